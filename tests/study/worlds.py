"""Finished runs without a pipeline: a predictions table and a metrics.json made of numbers, gold known exactly."""

import io
import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from selfj.run import RunFolder

METHODS = (
    ("cosine", "Cosine", True, 48.25, 1.0),
    ("self_eval_reference", "Self-eval", True, 47.85, 0.9),
    ("self_eval_plus_cosine", "Self-eval + Cosine", True, 59.98, 0.5),
    ("judge_reference", "Self-J", True, 70.34, 0.3),
    ("ppl", "PPL", False, 11.68, 5.0),
    ("vro", "VRO", False, 41.12, 1.2),
    ("self_eval", "Self-eval", False, 11.46, 9.0),
    ("judge_cosine", "Judge (Cosine labels only)", False, 47.40, 0.9),
    ("judge_self_eval", "Judge (Self-eval labels only)", False, 45.29, 0.8),
    ("judge_no_distillation", "Self-J without self-distillation", False, 54.56, 0.7),
    ("judge", "Self-J", False, 58.65, 0.5),
)
"""Name, title, with reference, the paper's number, and the noise that its scores have."""
SCALE = (-2.0, 3.0)
"""Of the judge's scores."""
OUTSIDE = ("gpt", "judge_of_b")
"""Further methods that are judges from outside."""
FAMILIES = {"common": ("facts", "letters"), "coding": ("lists", "loops"), "academic": ("sums", "series")}


@dataclass
class Finished:
    """What a run is made with."""

    seed: int = 1
    policy: str = "tiny"
    instructions: int = 200
    answers: int = 2
    world: int | None = None
    """Seed of the instructions; by default the run's."""
    methods: tuple = METHODS
    extra: dict[str, float] = field(default_factory=dict)
    """Further methods: name → noise."""
    nulls: int = 0
    """Answers that the judge could not score."""
    noise_seed: int = 0
    """Another number: other scores of the same answers."""
    best_of_n: dict | None = None
    highest_gold: float = 1.0
    """Gold goes from 0 to this."""


def write_finished(address: str, world: Finished) -> RunFolder:
    """Write report/predictions.parquet and report/metrics.json of a finished run."""
    run = RunFolder(address)
    columns = _columns(world)
    methods = [*world.methods, *((name, name, False, None, noise) for name, noise in world.extra.items())]
    rows = [{"name": name, "title": title, "with_reference": seen, "paper": paper} for name, title, seen, paper, _ in methods]
    scales = {"judge": SCALE} if all(noise < 10 for *_, noise in methods) else {}
    rows = [{**row, "scale": scales.get(row["name"]), "outside": row["name"] in OUTSIDE} for row in rows]
    meta = {"methods": rows, "gold": "tests:grade", "seed": world.seed, "loss": "1 - gold"}
    table = pa.table(columns).replace_schema_metadata({b"selfj": json.dumps(meta).encode()})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    run.store.write("report/predictions.parquet", buffer.getvalue())
    policy = {"good": 0.5, "best_of_n": world.best_of_n}
    steps = {"sample": {"seconds": 60.0}, "train": {"seconds": 100.0}}
    variants = {"judge_cosine": {"seconds": 40.0}, "judge_never_made": {"seconds": None}}
    told = {"policies": {world.policy: policy}, "steps": steps, "variants": variants}
    run.store.write("report/metrics.json", json.dumps(told).encode())
    run.store.write("report/index.html", b"<!doctype html>")
    return run


def _columns(world: Finished) -> dict[str, pa.Array]:
    generator = np.random.default_rng([world.seed, sum(map(ord, world.policy))])
    asked = np.repeat(np.arange(world.instructions), world.answers)
    rows = len(asked)
    categories = [tuple(FAMILIES)[number % 3] for number in asked]
    families = [FAMILIES[category][number // 3 % 2] for category, number in zip(categories, asked, strict=True)]
    level = np.array([0.35 + 0.15 * (family in ("facts", "lists", "sums")) for family in families])
    gold = np.clip(generator.normal(level, 0.2), 0, 1)
    prefix = f"w{world.seed if world.world is None else world.world}"
    ids = [f"{prefix}-{number:05d}" for number in asked]
    noise = np.random.default_rng([world.seed, world.noise_seed, 5])
    scores = {name: gold + noise.normal(0, 0.2 * spread, rows) for name, _, _, _, spread in world.methods}
    scores |= {name: gold + noise.normal(0, 0.2 * spread, rows) for name, spread in world.extra.items()}
    scores["judge"][: world.nulls] = np.nan
    return {
        "policy": pa.array([world.policy] * rows),
        "split": pa.array(["test"] * (rows - 4) + ["calibration"] * 4),
        "response_id": pa.array([f"{key}-{number % world.answers}" for number, key in enumerate(ids)]),
        "instruction_id": pa.array(ids),
        "category": pa.array(categories),
        "family": pa.array(families),
        "tokens": pa.array(generator.integers(3, 60, rows)),
        "characters": pa.array(generator.integers(10, 300, rows)),
        "gold": pa.array(world.highest_gold * gold),
        "gold_reason": pa.array([None] * rows, pa.string()),
        "quality": pa.array(gold),
        **{name: pa.array(values, from_pandas=True) for name, values in scores.items()},
        "task_mean": pa.array(level),
    }


def curve(judge: float) -> dict:
    """A best-of-N curve as metrics.json has it."""
    points = {}
    for size in (1, 2, 4, 8, 16, 32):
        gain = np.log2(size) / 5
        values = {"random": 0.0, "judge": judge * gain, "longest": 0.02 * gain, "likeliest": 0.05 * gain, "oracle": 0.4 * gain}
        points[str(size)] = {name: {"value": 0.5 + up, "low": 0.47 + up, "high": 0.53 + up} for name, up in values.items()}
    return {"instructions": 100, "picks": points, "adaptive": []}
