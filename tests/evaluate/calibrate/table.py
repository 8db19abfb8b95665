"""A finished run as `selfj calibrate` sees it: the predictions table and the judge's card."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from selfj.evaluate.predictions import PREDICTIONS
from tests.cards import judge_card


def columns(number: int = 800, answers: int = 2, seed: int = 0) -> dict[str, list]:
    """Predictions of instructions of which three of four are in the calibration split; gold and label-free quality 0 to 1."""
    generator = np.random.default_rng(seed)
    rows = number * answers
    gold = np.clip(np.repeat(generator.normal(0.6, 0.2, number), answers) + generator.normal(0, 0.1, rows), 0, 1)
    keys = [f"{key:032x}" for key in np.repeat(np.arange(number), answers)]
    return {
        "policy": ["tiny"] * rows,
        "split": ["test" if int(key, 16) % 4 == 0 else "calibration" for key in keys],
        "response_id": [f"{key}-{row % answers}" for row, key in enumerate(keys)],
        "instruction_id": keys,
        "category": ["common"] * rows,
        "family": ["facts"] * rows,
        "tokens": [10] * rows,
        "characters": [40] * rows,
        "gold": gold.tolist(),
        "gold_reason": [None] * rows,
        "quality": np.clip(0.9 * gold + generator.normal(0, 0.05, rows), 0, 1).tolist(),
        "judge": np.clip(9 * gold + generator.normal(0, 1, rows), 0, 9).tolist(),
        "task_mean": [0.6] * rows,
    }


TYPES = {"tokens": pa.int64(), "characters": pa.int64()} | dict.fromkeys(("gold", "quality", "judge", "task_mean"), pa.float64())


def write_finished_run(folder: Path, values: dict[str, list], gold_scale: list[float] | None = None) -> str:
    """Write the predictions and an uncalibrated judge; returns the run's address."""
    method = {"name": "judge", "title": "Self-J", "with_reference": False, "paper": 58.65}
    meta = {"methods": [method], "gold": "tests:grade", "seed": 0, "loss": "1 - gold", "gold_scale": gold_scale}
    table = pa.table({name: pa.array(column, TYPES.get(name, pa.string())) for name, column in values.items()})
    (folder / PREDICTIONS).parent.mkdir(parents=True)
    pq.write_table(table.replace_schema_metadata({b"selfj": json.dumps(meta).encode()}), folder / PREDICTIONS)
    judge_card(folder / "judge").write()
    return str(folder)
