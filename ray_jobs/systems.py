"""Many systems' answers, judged and graded, for `selfj rank`: `--config configs/systems.yaml`; `--help` lists every setting."""

from selfj.evaluate.data.systems import make_systems, read_systems_settings
from selfj.jobs import run_alone

if __name__ == "__main__":
    run_alone(read_systems_settings, make_systems)
