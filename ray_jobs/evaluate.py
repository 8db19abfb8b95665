"""The last two steps alone: evaluate and report. `--help` lists every setting."""

from selfj.jobs import run_job

if __name__ == "__main__":
    run_job("evaluate", "report")
