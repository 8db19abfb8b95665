"""What each filter rejected, with examples: the table of `selfj collect --explain`."""

import hashlib
import heapq
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow.parquet as pq

from selfj.collect.quality.chosen import KINDS
from selfj.collect.summary import kind_of
from selfj.collect_settings import CollectSettings
from selfj.columns import aligned
from selfj.run import RunFolder

OTHER = "rows that cannot be read"
_ALWAYS = {
    "collect.min_words, max_words": ("instruction too short", "instruction too long"),
    "collect.max_reference_words": ("reference too long",),
    "collect.max_line_megabytes": ("row too long",),
    "sources.only": ("not selected",),
    "duplicates": ("duplicate",),
    "collect.near_duplicates": ("near duplicate",),
    "collect.decontaminate": ("contaminated",),
    "collect.max_instructions": ("beyond max_instructions",),
    "collect.balance": ("beyond the balance",),
}
_SHOWN = 110
"""Characters of a reject that an example shows."""
_PRIVATE = "personal data"
"""Rejects of this kind are not shown: a terminal's log is no place for them."""


@dataclass(order=True, frozen=True)
class Example:
    """A reject, as a line."""

    key: str
    """Hash of its place: the lowest are a uniform sample, the same every time."""
    line: str = field(compare=False)


@dataclass
class Explained:
    """Rejects of one filter."""

    name: str
    """The filter as the settings call it."""
    state: str = ""
    """`off`, or nothing."""
    rejected: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)


def explain(run: RunFolder, settings: CollectSettings, examples: int = 3) -> list[Explained]:
    """Rejects of a finished collection by filter, in the order of the settings; one part of them is in memory at a time."""
    by_name = {row.name: row for row in _filters(settings)}
    names = {kind: name for name, kinds in _names_of_kinds().items() for kind in kinds}
    for source, number, reason, content in rejects_of(run):
        kind = kind_of(reason)
        row = by_name[names.get(kind, OTHER)]
        row.rejected += 1
        row.kinds[kind] += 1
        row.examples = heapq.nsmallest(examples, [*row.examples, _example(source, number, reason, content)])
    return list(by_name.values())


def explained_lines(rows: list[Explained], read: int) -> Iterator[str]:
    """The table, then the examples of each filter that rejected something."""
    table = [("filter", "rejected", "of all")]
    table += [
        (row.name, row.state or f"{row.rejected:,}", "" if row.state else f"{row.rejected / max(read, 1):.2%}") for row in rows
    ]
    yield from aligned(table)
    for row in rows:
        if row.rejected:
            yield ""
            yield f"{row.name}: {', '.join(f'{kind} {count:,}' for kind, count in row.kinds.most_common())}"
            yield from (f"  {example.line}" for example in row.examples)


def rejects_of(run: RunFolder) -> Iterator[tuple[str, int | None, str, str]]:
    """Source, row, reason and content of all rejects of the step, part by part."""
    for name in ("collected", "unique", "instructions"):
        store, folder = run.table(name).store, f"{name}/rejected"
        for file in store.names(folder):
            if file.endswith(".parquet"):
                part = pq.read_table(io.BytesIO(store.read(f"{folder}/{file}")), columns=["source", "row", "reason", "content"])
                yield from zip(*(part.column(column).to_pylist() for column in part.column_names), strict=True)


def _names_of_kinds() -> dict[str, tuple[str, ...]]:
    return {**_ALWAYS, **{f"filters.{name}": kinds for name, kinds in KINDS.items()}}


def _filters(settings: CollectSettings) -> list[Explained]:
    off = {f"filters.{name}" for name in KINDS if not getattr(settings.filters, name).enabled}
    off |= set() if settings.near_duplicates.enabled else {"collect.near_duplicates"}
    off |= set() if settings.balance.enabled else {"collect.balance"}
    off |= set() if settings.decontaminate.sets else {"collect.decontaminate"}
    return [Explained(name, "off" if name in off else "") for name in (*_names_of_kinds(), OTHER)]


def _example(source: str, number: int | None, reason: str, content: str) -> Example:
    place = f"{source} row {number}"
    shown = "(not shown)" if kind_of(reason) == _PRIVATE else " ".join(content.split())[:_SHOWN]
    return Example(hashlib.blake2b(place.encode(), digest_size=8).hexdigest(), f"{place}: {reason} | {shown}")
