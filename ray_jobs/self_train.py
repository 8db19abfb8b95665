"""On-policy self-training of a JSFT model: `python ray_jobs/self_train.py --config configs/self_train_pocket.yaml`."""

from selfj.selfjudge.jobs import run_selfjudge

if __name__ == "__main__":
    run_selfjudge("self_training")
