"""Scored answers → a judge: `python ray_jobs/train_judge.py --config configs/pocket.yaml`."""

from selfj.jobs import run_job

if __name__ == "__main__":
    run_job("train")
