"""The whole line: collect → sample → score → train → evaluate → report. `--help` lists every setting."""

from selfj.config import STEPS
from selfj.jobs import run_job

if __name__ == "__main__":
    run_job(*STEPS)
