"""A knock-out tournament among the candidate responses to each instruction. `--help` lists every setting."""

from selfj.contests.settings import read_tournament_settings
from selfj.contests.step import run_tournament
from selfj.jobs import run_alone

if __name__ == "__main__":
    run_alone(read_tournament_settings, run_tournament)
