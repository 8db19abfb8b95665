"""What a collection holds: rows read, kept and rejected by source and reason, counted part by part."""

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from selfj.collect.sources import name_of
from selfj.collect_settings import SourceSettings
from selfj.run import RunFolder
from selfj.tables import TableFolder

_MOST = 5
"""Reasons that one line of text names."""
_BREAKS = ("source breaks off", "file breaks off")
"""Kinds of rejects that stand for rows that could not be read any more."""


@dataclass
class SourceCounts:
    """Rows of one source; read = kept + rejected."""

    kept: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    problems: dict[str, str] = field(default_factory=dict)
    """What of it could not be read at all, and why."""
    published: int | None = None
    """Instructions that a publication kept of it."""

    @property
    def read(self) -> int:
        """Rows read."""
        return self.kept + self.rejected

    def as_details(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        reasons = dict(self.reasons.most_common())
        told: dict[str, Any] = {"read": self.read, "kept": self.kept, "rejected": self.rejected, "reasons": reasons}
        if self.problems:
            told["problems"] = self.problems
        return told if self.published is None else told | {"published": self.published}

    def lines(self, name: str) -> Iterator[str]:
        """What became of the source `name`."""
        published = "" if self.published is None else f" (published: {self.published:,})"
        yield f"{name}: {self.read:,} rows read, {self.kept:,} kept{published}, {self.rejected:,} rejected{_listed(self.reasons)}"
        for label, problem in self.problems.items():
            yield f"warning: {label} cannot be read and is left out: {problem}"
        broken = sum(self.reasons[kind] for kind in _BREAKS)
        if broken:
            yield f"warning: {name} breaks off in {broken} places, and rows are lost (collected/rejected says where)"
        if not self.kept:
            yield f"warning: {name} gave no instruction at all"


@dataclass
class Summary:
    """A whole collection; `sources` by name, in the order of the settings."""

    sources: dict[str, SourceCounts]
    splits: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        """Instructions kept."""
        return sum(source.kept for source in self.sources.values())

    @property
    def rejected(self) -> int:
        """Rows rejected in both passes."""
        return sum(source.rejected for source in self.sources.values())

    @property
    def reasons(self) -> Counter[str]:
        """Rejects of all sources by kind of reason."""
        return sum((source.reasons for source in self.sources.values()), Counter())

    def as_details(self) -> dict[str, Any]:
        """Plain values for the manifest."""
        return {
            "rows_in": self.kept + self.rejected,
            "rows_out": self.kept,
            "rejected": self.rejected,
            "reasons": dict(self.reasons.most_common()),
            "splits": dict(self.splits),
            "categories": dict(self.categories.most_common()),
            "sources": {name: source.as_details() for name, source in self.sources.items()},
        }

    def lines(self) -> Iterator[str]:
        """What a person wants to know, in plain lines."""
        for name, source in self.sources.items():
            yield from source.lines(name)
        kept = f"{self.kept:,} kept{_listed(self.splits)}"
        yield f"all: {self.kept + self.rejected:,} rows read, {kept}, {self.rejected:,} rejected{_listed(self.reasons)}"
        yield f"categories: {', '.join(f'{name} {count:,}' for name, count in self.categories.most_common(_MOST))}"


def kind_of(reason: str) -> str:
    """The kind of a reason: `instruction too short: 2 words` and `… : 1 words` are one."""
    return reason.partition(":")[0]


def summarise(run: RunFolder, sources: list[SourceSettings], problems: dict[str, str]) -> Summary:
    """Count what `collected` and `instructions` hold; `problems` is what could not be read, by label."""
    names = [name_of(source) for source in sources]
    summary = Summary({name: SourceCounts(published=source.published) for name, source in zip(names, sources, strict=True)})
    for label, problem in problems.items():
        summary.sources[source_of(label, names)].problems[label] = problem
    for label, reason in _reject_reasons(run):
        source = summary.sources[source_of(label, names)]
        source.rejected += 1
        source.reasons[kind_of(reason)] += 1
    instructions = run.table("instructions")
    for part in instructions.parts():
        rows = instructions.read(part, ["source", "split", "category"])
        for label, count in _counts(rows, "source"):
            summary.sources[source_of(label, names)].kept += count
        summary.splits.update(dict(_counts(rows, "split")))
        summary.categories.update(dict(_counts(rows, "category")))
    return summary


def _counts(rows: pa.Table, column: str) -> list[tuple[str, int]]:
    return [(item["values"], item["counts"]) for item in rows.column(column).value_counts().to_pylist()]


def _reject_reasons(run: RunFolder) -> Iterator[tuple[str, str]]:
    for name in ("collected", "unique", "instructions"):
        for part in _reject_parts(run.table(name)):
            yield from zip(part.column("source").to_pylist(), part.column("reason").to_pylist(), strict=True)


def _reject_parts(table: TableFolder) -> Iterator[pa.Table]:
    folder = f"{table.name}/rejected"
    for name in table.store.names(folder):
        if name.endswith(".parquet"):
            yield pq.read_table(io.BytesIO(table.store.read(f"{folder}/{name}")), columns=["source", "reason"])


def source_of(label: str, names: list[str]) -> str:
    """The source that a label (`name` or `name/file`) belongs to."""
    return label if label in names else max((name for name in names if label.startswith(f"{name}/")), key=len)


def _listed(counts: Counter[str]) -> str:
    if not counts:
        return ""
    shown = ", ".join(f"{name} {count:,}" for name, count in counts.most_common(_MOST))
    return f" ({shown}{', …' if len(counts) > _MOST else ''})"
