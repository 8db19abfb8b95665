"""How many rows the sources have, counted as cheaply as their formats allow, and the first of them."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from selfj.collect.fields import to_instruction
from selfj.collect.filters import filters
from selfj.collect.formats import RowProblem
from selfj.collect.formats.base import MEBIBYTE
from selfj.collect.formats.text import open_stream
from selfj.collect.sources import Shard, name_of, plan_source, read_shard, row_bytes
from selfj.collect_settings import CollectSettings, SourceSettings
from selfj.errors import SelfJError
from selfj.plan.lengths import Text

MEASURED_ROWS = 200
_LINES = {"jsonl": 0, "csv": 1, "tsv": 1}
"""Formats with a row a line, and the lines before the first row."""


@dataclass(frozen=True)
class SourceRows:
    """What is known of one source before it is read."""

    name: str
    rows: float | None
    """None if they cannot be counted without reading all."""
    how: str
    """Where the number comes from, in words."""
    hint: str = ""
    """What to do about an unknown number."""
    problem: str = ""
    """Why it cannot be read at all."""
    texts: list[Text] = field(default_factory=list)
    """Its first usable rows; none if it is not on this machine."""


def source_rows(number: int, settings: CollectSettings) -> SourceRows:
    """Rows of one source; a source that cannot be read has a `problem`."""
    source = settings.sources[number]
    if is_remote(source):
        return _remote(number, source)
    try:
        shards = plan_source(number, settings).shards
        rows, how = _counted(shards, source.rows)
        texts = list(itertools.islice(_texts(shards, settings), MEASURED_ROWS))
    except SelfJError as problem:
        return SourceRows(name_of(source), None, "cannot be read", problem=str(problem))
    return SourceRows(name_of(source), rows, how, _hint(number, source) if rows is None else "", texts=texts)


def is_remote(source: SourceSettings) -> bool:
    """Whether a source lies on the Hugging Face hub, which a plan does not ask."""
    return source.path.startswith("hf://") and not os.path.exists(source.path.removeprefix("hf://"))


def _remote(number: int, source: SourceSettings) -> SourceRows:
    if source.rows is None:
        return SourceRows(name_of(source), None, "on the hub, not asked", _hint(number, source))
    return SourceRows(name_of(source), source.rows, "at most, as set in `rows`")


def _hint(number: int, source: SourceSettings) -> str:
    return f"the rows of {name_of(source)} are unknown; set `rows` of collect.sources[{number}] (an upper limit is enough)"


def _counted(shards: list[Shard], limit: int | None) -> tuple[float | None, str]:
    """Rows of a source's shards, and how they were counted."""
    inputs = {(shard.format, shard.address): shard for shard in shards}
    kinds = {name for name, _ in inputs}
    if kinds <= set(_LINES):
        lines = sum(line_count(address) - _LINES[name] for name, address in inputs)
        return (lines if limit is None else min(lines, limit)), "counted lines"
    if all(shard.span.stop is not None for shard in shards):
        made = "as set in `rows`" if kinds == {"generator"} else "counted"
        return sum((shard.span.stop or 0) - shard.span.start for shard in shards), made
    return limit, "not counted" if limit is None else "at most, as set in `rows`"


def line_count(address: str) -> int:
    """Lines of a file, which may be compressed, read in chunks; a last line without its end counts."""
    count, last = 0, b"\n"
    with open_stream(address) as stream:
        while chunk := stream.read(MEBIBYTE):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")


def first_texts(sources: list[SourceRows]) -> list[Text]:
    """The first rows of the sources that are here, MEASURED_ROWS in all, of each as many as its share of all rows."""
    here = [source for source in sources if source.texts]
    known = sum(source.rows or 0 for source in here)
    texts: list[Text] = []
    for source in here:
        share = source.rows / known if source.rows and known else 1 / len(here)
        texts += source.texts[: max(1, round(MEASURED_ROWS * share))]
    return texts


def _texts(shards: list[Shard], settings: CollectSettings) -> Iterator[Text]:
    """Rows that the collect step would keep, as far as one row can tell."""
    rules = filters(settings, row_bytes(settings))
    for shard in shards:
        for raw in read_shard(shard, settings):
            try:
                row = to_instruction(raw.values or {}, raw.row, shard.label, settings.sources[shard.source], settings)
            except RowProblem:
                continue
            if not any(rule.reason_to_reject(row) for rule in rules):
                yield Text(row.instruction, row.reference)
