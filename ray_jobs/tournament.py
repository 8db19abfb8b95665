"""A knock-out tournament among the candidate responses to each instruction. `--help` lists every setting."""

import sys

from selfj.contests.settings import read_tournament_settings
from selfj.contests.step import run_tournament
from selfj.errors import SelfJError
from selfj.jobs import connect

if __name__ == "__main__":
    try:
        settings = read_tournament_settings()
        connect()
        print(f"done: {run_tournament(settings)}", flush=True)
    except SelfJError as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None
