"""What every step took in, gave out and rejected, from the manifests and rejects of a run."""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from selfj.config import Settings
from selfj.run import TABLES_OF_STEP, RunFolder
from selfj.tables import Manifest


@dataclass(frozen=True)
class StepTables:
    """Which tables tell what a step did."""

    read: tuple[str, ...]
    """Tables whose manifests have the rows that came in."""
    made: tuple[str, ...]
    """Tables whose manifests have the rows that went out."""
    rejecting: tuple[str, ...]
    """Tables whose rejects are rows of the step."""


STEP_TABLES = {
    "collect": StepTables(("collected",), ("instructions",), ("collected", "instructions")),
    "sample": StepTables(("responses",), ("responses",), ("responses",)),
    "score": StepTables(("scored",), ("scored",), ("scored",)),
    "train": StepTables(("judge",), ("judge",), ("judge",)),
    "evaluate": StepTables(("judged", "judged_by_policy"), ("judged", "judged_by_policy"), ("judged", "judged_by_policy")),
}
"""The steps before the report, in order; the seconds of all tables of a step add up."""
_WITHIN = ("training",)
"""Tables that are made while another one's clock runs: the examples while the judge is."""

_LEFT_OUT = {
    "unlabelled": "no label: one of the two signals is missing",
    "beyond_max_examples": "more than train.max_examples",
    "too_long": "the prompt is longer than train.max_tokens",
    "excluded": "its category is one of train.exclude_categories",
}
"""What the train step leaves out, as its manifest counts it."""


def step_counts(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Rows in, out and rejected, seconds and rows per second of each step; None where a step has not run."""
    return {step: _counts(run, step) for step in STEP_TABLES}


def variant_counts(run: RunFolder, settings: Settings) -> dict[str, dict[str, Any]]:
    """Of each variant: what it changes, answers that were learnt from, and the seconds of its tables; None if it was not made."""
    begun = run.variants()
    return {name: {"settings": changes, **_variant(begun.get(name))} for name, changes in settings.variants.items()}


def _variant(variant: RunFolder | None) -> dict[str, Any]:
    found = {name: variant.table(name).manifest() for name in sorted(variant.own or ())} if variant else {}
    judge = found.get("judge")
    return {"examples": judge.rows_out if judge and judge.finished else None, "seconds": _seconds(found)}


def _seconds(manifests: Mapping[str, Manifest | None]) -> float | None:
    """Working time of some tables; None if none of them has been begun."""
    there = {name: manifest.seconds for name, manifest in manifests.items() if manifest is not None}
    return round(sum(seconds for name, seconds in there.items() if name not in _WITHIN), 2) if there else None


def _counts(run: RunFolder, step: str) -> dict[str, Any]:
    names = run.tables_of(step)
    manifests = {name: run.table(name).manifest() for name in names}
    there = {name: manifest for name, manifest in manifests.items() if manifest is not None}
    tables = _tables(step, tuple(name for name in names if name not in TABLES_OF_STEP[step]))
    read, made, rejecting = ([there[name] for name in names if name in there] for names in _names(tables))
    seconds = _seconds(manifests)
    rows_out = sum(manifest.rows_out for manifest in made) if made else None
    return {
        "rows_in": sum(manifest.rows_in for manifest in read) if read else None,
        "rows_out": rows_out,
        "rejected": sum(manifest.rejected for manifest in rejecting) if rejecting else None,
        "seconds": seconds,
        "rows_per_second": _rate(rows_out, seconds),
    }


def _tables(step: str, more: tuple[str, ...]) -> StepTables:
    """The tables of a step, with those that settings added; what collect makes in between has rows that `collected` counted."""
    tables = STEP_TABLES[step]
    if step == "collect":
        return StepTables(tables.read, tables.made, tables.rejecting + more)
    return StepTables(tables.read + more, tables.made + more, tables.rejecting + more)


def _names(tables: StepTables) -> tuple[tuple[str, ...], ...]:
    return tables.read, tables.made, tables.rejecting


def _rate(rows: int | None, seconds: float | None) -> float | None:
    return round(rows / seconds, 2) if rows is not None and seconds else None


def reject_reasons(run: RunFolder) -> dict[str, dict[str, int]]:
    """Rejected rows by step and reason, most frequent first; numbers in reasons are written as …, so that like reasons add up."""
    found = {step: _reasons(run, step) for step in STEP_TABLES}
    return {step: dict(counts.most_common()) for step, counts in found.items() if counts}


def _reasons(run: RunFolder, step: str) -> Counter[str]:
    counts = Counter[str]()
    more = tuple(name for name in run.tables_of(step) if name not in TABLES_OF_STEP[step])
    for table in _tables(step, more).rejecting:
        for reason in _rejected(run, table):
            counts[re.sub(r"\d[\d,.]*", "…", reason)] += 1
        counts.update(_left_out(run, table))
    return counts


def _rejected(run: RunFolder, table: str) -> Iterator[str]:
    folder = f"{table}/rejected"
    for name in run.store.names(folder):
        if name.endswith(".parquet"):
            rows = pq.read_table(io.BytesIO(run.store.read(f"{folder}/{name}")), columns=["reason"])
            yield from rows["reason"].to_pylist()


def _left_out(run: RunFolder, table: str) -> dict[str, int]:
    manifest = run.table(table).manifest()
    left_out = manifest.details.get("left_out", {}) if manifest else {}
    return {_LEFT_OUT.get(name, name): count for name, count in left_out.items() if count}
