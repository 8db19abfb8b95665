"""What every step took in, gave out and rejected, from the manifests and rejects of a run."""

import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from selfj.run import Manifest, RunFolder


@dataclass(frozen=True)
class StepTables:
    """Which tables tell what a step did."""

    read: str
    """Table whose manifest has the rows that came in."""
    made: str
    """Table whose manifest has the rows that went out."""
    all: tuple[str, ...]
    """Tables of which seconds and rejects add up."""
    counted: tuple[str, ...]
    """Tables whose rejects are rows of the step."""


STEP_TABLES = {
    "collect": StepTables("collected", "instructions", ("collected", "instructions"), ("collected", "instructions")),
    "sample": StepTables("responses", "responses", ("responses",), ("responses",)),
    "score": StepTables("scored", "scored", ("self_evaluations", "similarities", "scored"), ("scored",)),
    "train": StepTables("judge", "judge", ("training", "judge"), ("judge",)),
    "evaluate": StepTables("judged", "judged", ("judged",), ("judged",)),
}
"""The steps before the report, in order."""


def step_counts(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Rows in, out and rejected, seconds and rows per second of each step; None where a step has not run."""
    return {step: _counts(run, tables) for step, tables in STEP_TABLES.items()}


def _counts(run: RunFolder, tables: StepTables) -> dict[str, Any]:
    manifests = {name: run.table(name).manifest() for name in {tables.read, tables.made, *tables.all}}
    there = {name: manifest for name, manifest in manifests.items() if manifest is not None}
    made, read = there.get(tables.made), there.get(tables.read) or there.get(tables.made)
    seconds = round(sum(manifest.seconds for manifest in there.values()), 2) if there else None
    return {
        "rows_in": read.rows_in if read else None,
        "rows_out": made.rows_out if made else None,
        "rejected": sum(there[name].rejected for name in tables.counted if name in there) if there else None,
        "seconds": seconds,
        "rows_per_second": _rate(made, seconds),
    }


def _rate(made: Manifest | None, seconds: float | None) -> float | None:
    return round(made.rows_out / seconds, 2) if made and seconds else None


def reject_reasons(run: RunFolder) -> dict[str, dict[str, int]]:
    """Rejected rows by step and reason, most frequent first; numbers in reasons are written as …, so that like reasons add up."""
    found = {step: Counter[str]() for step in STEP_TABLES}
    for step, tables in STEP_TABLES.items():
        for table in tables.all:
            found[step].update(_reasons(run, table))
    return {step: dict(counts.most_common()) for step, counts in found.items() if counts}


def _reasons(run: RunFolder, table: str) -> Counter[str]:
    folder = f"{table}/rejected"
    counts = Counter[str]()
    for name in run.store.names(folder):
        if name.endswith(".parquet"):
            rows = pq.read_table(io.BytesIO(run.store.read(f"{folder}/{name}")), columns=["reason"])
            counts.update(re.sub(r"\d[\d,.]*", "…", reason) for reason in rows["reason"].to_pylist())
    return counts
