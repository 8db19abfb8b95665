"""Preference pairs → one model that answers and judges: `python ray_jobs/jsft.py --config configs/jsft_pocket.yaml`."""

from selfj.selfjudge.jobs import run_selfjudge

if __name__ == "__main__":
    run_selfjudge("preferences", "jsft")
