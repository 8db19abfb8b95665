"""Second pass: the table `instructions`, each instruction once, in parts that are ranges of instruction_id.

`collected` is sorted by instruction_id within its parts. An id is a hash, so equal ranges hold about equally many rows; a
worker reads a window of neighbouring ranges from all parts of `collected` and nothing else.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.balance import Balance, not_taken
from selfj.collect.collected import STEP, duplicate_of
from selfj.collect.marks import Marks
from selfj.collect.near.records import NearDuplicate
from selfj.collect.sorted_parts import SortedParts, between
from selfj.parts import MadePart
from selfj.records import Instruction, Rejected, rejected, schema
from selfj.run import RunFolder
from selfj.tables import TableFolder

_IDS = 1 << 128
_TEXT_ROWS = 32_000
"""Rows with their texts that a worker holds at a time (about 50 MB of them)."""
_KEY_ROWS = 250_000
"""Rows without their texts that a worker holds at a time."""
_KEYS = ["instruction_id", "source", "row"]


@dataclass(frozen=True)
class Ranges:
    """How the ids are divided into the parts of `instructions`: each has a range of ids that are kept, and a range of ids
    beyond the sample of `max_instructions` (empty if all are kept).
    """

    parts: int
    cutoff: int
    """Ids below are kept."""
    kept_rows: int
    """Rows to expect below the cutoff."""
    beyond_rows: int
    """Rows to expect from the cutoff on."""

    @property
    def together(self) -> int:
        """Neighbouring parts whose rows a worker reads at a time."""
        return _width(self.parts, self.kept_rows, _TEXT_ROWS)

    def kept(self, part: int) -> str:
        """First kept id of a part (and end of the one before)."""
        return _key(self.cutoff * part // self.parts)

    def beyond(self, part: int) -> str:
        """First id beyond the sample of a part."""
        return _key(self.cutoff + (_IDS - self.cutoff) * part // self.parts)


def _key(position: int) -> str:
    return f"{position:032x}" if position < _IDS else "g"  # above all hexadecimal digits


def plan_ranges(
    collected: TableFolder, rows: int, max_instructions: int | None, rows_per_part: int, dropped: TableFolder | None = None
) -> Ranges:
    """Ranges for `rows` collected rows (duplicates across shards among them); `dropped` lists ids that are not kept."""
    beyond = max_instructions is not None and rows > max_instructions
    cutoff = sample_cutoff(collected, max_instructions, dropped) if beyond and max_instructions else _IDS
    kept = rows if cutoff == _IDS else max_instructions or 0
    parts = max(1, math.ceil(kept / rows_per_part), math.ceil((rows - kept) / _KEY_ROWS))
    return Ranges(parts, cutoff, kept, rows - kept)


def balanced_ranges(rows: int, budget: int | None, rows_per_part: int) -> Ranges:
    """Ranges of `rows` rows of which a balance takes some, `budget` at most: no cutoff, and parts that fit in memory."""
    kept = rows if budget is None else min(rows, budget)
    return Ranges(max(1, math.ceil(kept / rows_per_part), math.ceil(rows / _TEXT_ROWS)), _IDS, rows, 0)


def sample_cutoff(collected: TableFolder, count: int, dropped: TableFolder | None = None) -> int:
    """The id behind the `count` lowest distinct ones that are not dropped: a uniform sample, and part of every larger one.

    Holds about twice `count` ids at a time, and the dropped ones.
    """
    if dropped is not None:
        gone = dropped.read_all(["instruction_id"]).column(0).combine_chunks()
        lowest = _lowest_ids(collected, count + len(gone))
        lowest = lowest.filter(pc.invert(pc.is_in(lowest, gone))).slice(0, count)
    else:
        lowest = _lowest_ids(collected, count)
    return _IDS if len(lowest) < count else int(lowest[-1].as_py(), 16) + 1


def _lowest_ids(collected: TableFolder, count: int) -> pa.Array:
    lowest = pa.array([], pa.string())
    pending: list[pa.Array] = []
    for part in collected.parts():
        ids = collected.read(part, ["instruction_id"]).column(0).combine_chunks().slice(0, count)
        pending.append(ids)
        if sum(map(len, pending)) > max(count, _KEY_ROWS):
            lowest, pending = _lowest([lowest, *pending], count), []
    return _lowest([lowest, *pending], count)


def _lowest(arrays: list[pa.Array], count: int) -> pa.Array:
    ids = pc.unique(pa.concat_arrays(arrays))
    return ids.take(pc.sort_indices(ids)).slice(0, count)


class UniqueMaker:
    """Makes one part of `instructions` at a time; what it read for one part serves the next ones too."""

    def __init__(
        self,
        ranges: Ranges,
        source: str = "collected",
        dropped: str = "",
        balance: Balance | None = None,
        marks: Marks | None = None,
    ) -> None:
        """`source`: the table that it reads; `dropped`: a table of near duplicates (near.records) that are left out; `marks`:
        what other tables say of the rows.
        """
        self.ranges = ranges
        self.source = source
        self.dropped = dropped
        self.balance = balance
        self.marks = marks
        self.tables: dict[str, SortedParts] = {}
        self.texts = _Window(ranges.parts, ranges.together, schema(Instruction).names)
        self.keys = _Window(ranges.parts, _width(ranges.parts, ranges.beyond_rows, _KEY_ROWS), _KEYS)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The first row of each id in the part's range, in the order of the ids; the others are rejects."""
        collected = self._table(run, self.source)
        rows = self.texts.rows(collected, part, self.ranges.kept)
        first = _first_of_each(rows)
        kept = rows.filter(first).select(schema(Instruction).names).cast(schema(Instruction))
        beyond = self.keys.rows(collected, part, self.ranges.beyond) if self.ranges.beyond_rows else None
        rejects = _duplicates(rows, first) + _beyond(beyond)
        if self.dropped:
            kept, near = _without(kept, self._dropped(run, self.ranges.kept(part), self.ranges.kept(part + 1)))
            rejects += near
        kept = self.marks.applied(run, kept) if self.marks else kept
        if self.balance:
            taken = pa.array(self.balance.takes(kept))
            rejects += not_taken(kept.filter(pc.invert(taken)), STEP)
            kept = kept.filter(taken)
        return MadePart(kept.select(schema(Instruction).names), rejects, rows.num_rows + (beyond.num_rows if beyond else 0))

    def _dropped(self, run: RunFolder, low: str, high: str) -> pa.Table:
        pieces = [rows for _, rows in self._table(run, self.dropped).pieces(low, high)]
        return pa.concat_tables([schema(NearDuplicate).empty_table(), *pieces])

    def _table(self, run: RunFolder, name: str) -> SortedParts:
        if name not in self.tables:
            self.tables[name] = SortedParts(run.table(name))
        return self.tables[name]


class _Window:
    """Neighbouring ranges of ids, read at once from all parts of `collected`: opening each of them for every single part
    would make the work grow with the square of the rows.
    """

    def __init__(self, parts: int, width: int, columns: list[str]) -> None:
        self.parts = parts
        self.width = width
        self.columns = columns
        self.number = -1
        self.table: pa.Table | None = None

    def rows(self, collected: SortedParts, part: int, bound: Callable[[int], str]) -> pa.Table:
        """Rows of one part's range, sorted by id, and equal ones in the order of sources, shards and rows."""
        if self.table is None or self.number != part // self.width:
            self.table, self.number = None, part // self.width
            first = self.number * self.width
            self.table = _read_range(collected, bound(first), bound(min(first + self.width, self.parts)), self.columns)
        return between(self.table, bound(part), bound(part + 1))


def _width(parts: int, rows: int, rows_at_a_time: int) -> int:
    """Neighbouring parts of so many rows together."""
    return max(1, rows_at_a_time * parts // max(rows, 1))


def _read_range(collected: SortedParts, low: str, high: str, columns: list[str]) -> pa.Table:
    empty = schema(Instruction).empty_table().select(columns)
    pieces = [_in_shard(empty, -1)]
    pieces += [_in_shard(rows, shard) for shard, rows in collected.pieces(low, high, columns)]
    return pa.concat_tables(pieces).sort_by([("instruction_id", "ascending"), ("shard", "ascending"), ("row", "ascending")])


def _in_shard(rows: pa.Table, shard: int) -> pa.Table:
    return rows.append_column("shard", pa.array(np.full(rows.num_rows, shard)))


def _first_of_each(rows: pa.Table) -> pa.Array:
    """Mask of the rows whose id differs from the row before."""
    ids = rows.column("instruction_id").to_numpy()
    return pa.array(np.concatenate([np.ones(min(len(ids), 1), dtype=bool), ids[1:] != ids[:-1]]))


def _duplicates(rows: pa.Table, first: pa.Array) -> list[Rejected]:
    """A reject for each row that is not the first of its id, which names the one that is."""
    mask = first.to_numpy(zero_copy_only=False)
    earlier = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), 0))[~mask]
    repeated = rows.filter(pa.array(~mask)).select([*_KEYS, "instruction"]).to_pylist()
    originals = rows.take(pa.array(earlier)).select(_KEYS).to_pylist()
    return [
        rejected(
            STEP,
            row["source"],
            duplicate_of(original["source"], original["row"]),
            row=row["row"],
            field="instruction",
            key=row["instruction_id"],
            content=row["instruction"],
        )
        for row, original in zip(repeated, originals, strict=True)
    ]


def _without(rows: pa.Table, dropped: pa.Table) -> tuple[pa.Table, list[Rejected]]:
    """The rows that are not dropped, and a reject for each of the others."""
    gone = pc.is_in(rows.column("instruction_id"), dropped.column("instruction_id").combine_chunks())
    keepers = {item["instruction_id"]: (item["kept_source"], item["kept_row"]) for item in dropped.to_pylist()}
    rejects = [
        rejected(
            STEP,
            row["source"],
            "near " + duplicate_of(*keepers[row["instruction_id"]]),
            row=row["row"],
            field="instruction",
            key=row["instruction_id"],
            content=row["instruction"],
        )
        for row in rows.filter(gone).select([*_KEYS, "instruction"]).to_pylist()
    ]
    return rows.filter(pc.invert(gone)), rejects


def _beyond(rows: pa.Table | None) -> list[Rejected]:
    if rows is None:
        return []
    reason = "beyond max_instructions"
    return [rejected(STEP, row["source"], reason, row=row["row"], key=row["instruction_id"]) for row in rows.to_pylist()]
