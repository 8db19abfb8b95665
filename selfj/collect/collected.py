"""First pass: each shard of the sources becomes a part of the table `collected`, sorted by instruction_id."""

import json
from collections.abc import Iterator
from typing import Any

from selfj.collect.contamination import Contamination
from selfj.collect.fields import to_instruction
from selfj.collect.filters import Filter, filters
from selfj.collect.formats import RawRow, RowProblem
from selfj.collect.formats.base import printable
from selfj.collect.sources import Readers, Shard, row_bytes
from selfj.collect_settings import CollectSettings
from selfj.errors import DataError
from selfj.parts import MadePart
from selfj.records import CONTENT_LIMIT, Columns, Instruction, Rejected, rejected
from selfj.run import RunFolder

STEP = "collect"
BREAKS = "source breaks off"
"""Kind of the reject that stands for the rows that could not be read any more."""


class CollectedMaker:
    """Reads one shard, row by row."""

    def __init__(self, settings: CollectSettings, shards: list[Shard]) -> None:
        self.settings = settings
        self.shards = shards
        self.readers = Readers(settings)
        self.filters = filters(settings, row_bytes(settings))
        if settings.decontaminate.sets:
            self.filters.append(Contamination(settings.decontaminate))

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The instructions of one shard that pass the filters, each once; why the others do not."""
        shard = self.shards[part]
        kept: dict[str, int] = {}
        columns = Columns(Instruction)
        rejects: list[Rejected] = []
        for raw in self._rows(shard):
            try:
                instruction = self._instruction(raw, shard)
                _check_new(instruction, kept)
                columns.add(instruction)
            except RowProblem as problem:
                rejects.append(_reject(raw, problem, shard.label))
        return MadePart(columns.table().sort_by("instruction_id"), rejects, len(kept) + len(rejects))

    def _rows(self, shard: Shard) -> Iterator[RawRow]:
        """Rows of a shard; where it breaks and the settings are not strict, the break is the last row."""
        row = shard.span.start
        try:
            for raw in self.readers.rows(shard):
                yield raw
                row = raw.row + 1
        except DataError as problem:
            if self.settings.strict:
                raise
            yield RawRow(row, problem=RowProblem(f"{BREAKS}: {problem}; its rows from here on are not read"))

    def _instruction(self, raw: RawRow, shard: Shard) -> Instruction:
        if raw.values is None:
            raise raw.problem or RowProblem("unreadable row")
        source = self.settings.sources[shard.source]
        instruction = to_instruction(raw.values, raw.row, shard.label, source, self.settings)
        _check(instruction, self.filters)
        return instruction


def duplicate_of(source: str, row: int) -> str:
    """The reason of a reject that repeats an earlier row."""
    return f"duplicate: of {source} row {row}"


def _check(row: Instruction, rules: list[Filter]) -> None:
    for rule in rules:
        reason = rule.reason_to_reject(row)
        if reason:
            raise RowProblem(reason, rule.field)


def _check_new(row: Instruction, kept: dict[str, int]) -> None:
    # Across shards the second pass looks; here, so that a text that is repeated a million times never fills a worker there.
    earlier = kept.setdefault(row.instruction_id, row.row)
    if earlier != row.row:
        raise RowProblem(duplicate_of(row.source, earlier), "instruction")


def _reject(raw: RawRow, problem: RowProblem, label: str) -> Rejected:
    content = printable((raw.content or _shown(raw.values))[:CONTENT_LIMIT])
    field = printable(problem.field) if problem.field else None
    return rejected(STEP, label, printable(problem.reason), row=raw.row, field=field, content=content)


def _shown(values: dict[str, Any] | None) -> str:
    if values is None:
        return ""
    cut = {name: value[:CONTENT_LIMIT] if isinstance(value, str) else value for name, value in values.items()}
    return json.dumps(cut, ensure_ascii=False, default=str)
