"""The table `near_verified`: pairs whose shingles agree as far as the threshold asks, by their exact Jaccard similarity.

A part takes the pairs of one range of first members, and gathers their texts from `unique` in one pass over it.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.near.pairs import distinct_pairs
from selfj.collect.near.reading import read_range
from selfj.collect.near.records import Verified, member_of
from selfj.collect.near.signatures import jaccard, shingles
from selfj.config import NearDuplicateSettings
from selfj.parts import MadePart
from selfj.records import schema
from selfj.run import RunFolder
from selfj.tables import TableFolder

_PAIRS = 400_000
"""Pairs that a worker compares at a time: up to twice as many texts are in memory (about 0.5 GB of instructions)."""
_COLUMNS = ["instruction_id", "instruction", "source", "row", "reference"]


def verify_parts(pairs: int) -> int:
    """Parts of `near_verified` for so many rows of `near_pairs`."""
    return max(1, math.ceil(pairs / _PAIRS))


class VerifyMaker:
    """Compares the pairs of one part at a time."""

    def __init__(self, settings: NearDuplicateSettings, parts: int, unique_parts: int, rows_per_part: int) -> None:
        self.settings = settings
        self.parts = parts
        self.unique_parts = unique_parts
        self.rows_per_part = rows_per_part

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The pairs of the part's range that are near duplicates."""
        first, second = distinct_pairs(*read_range(run.table("near_pairs"), self.bound(part), self.bound(part + 1)))
        members = np.unique(np.concatenate([first, second]))
        rows = gathered(run.table("unique"), members)
        places = np.searchsorted(members, first), np.searchsorted(members, second)
        similar = np.fromiter(self._similarities(rows.column("instruction"), *places), np.float64, len(first))
        chosen = similar >= self.settings.threshold
        ends = [(rows.take(pa.array(place[chosen])), which[chosen]) for place, which in zip(places, (first, second), strict=True)]
        return _made(ends, similar[chosen])

    def bound(self, part: int) -> int:
        """First member of a part. The smaller of two evenly distributed members is x or more with probability (1 - x)^2."""
        position = self.unique_parts * (1 - math.sqrt(1 - part / self.parts))
        return member_of(int(position), int(position % 1 * self.rows_per_part))

    def _similarities(
        self, texts: pa.ChunkedArray, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
    ) -> Iterator[float]:
        before, shown = -1, set[str]()
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            if one != before:
                before, shown = one, set(shingles(texts[one].as_py(), self.settings.shingle))
            yield jaccard(shown, set(shingles(texts[other].as_py(), self.settings.shingle)))


def gathered(unique: TableFolder, members: npt.NDArray[np.int64]) -> pa.Table:
    """The rows of some members (sorted), in their order, with the length of the reference in place of its text."""
    parts = members >> 32
    pieces = [_rows_of(unique, int(part), members[parts == part] - member_of(int(part), 0)) for part in np.unique(parts)]
    empty = pa.table({name: pa.array([], pa.int64() if name in ("row", "length") else pa.string()) for name in _names()})
    return pa.concat_tables([empty, *pieces]).combine_chunks()


def _names() -> list[str]:
    return [*_COLUMNS[:-1], "length"]


def _rows_of(unique: TableFolder, part: int, places: npt.NDArray[np.int64]) -> pa.Table:
    """Rows of one part by their places (sorted); only the row groups that hold one are read."""
    pieces, start = [], 0
    with unique.open(part) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            inside = places[(places >= start) & (places < start + rows)] - start
            if len(inside):
                pieces.append(_shortened(file.read_row_group(group, _COLUMNS).take(pa.array(inside))))
            start += rows
    return pa.concat_tables(pieces)


def _shortened(rows: pa.Table) -> pa.Table:
    lengths = pc.cast(pc.utf8_length(rows.column("reference")), pa.int64())
    return pa.table([*(rows.column(name) for name in _COLUMNS[:-1]), lengths], names=_names())


def _made(ends: list[tuple[pa.Table, npt.NDArray[np.int64]]], similar: npt.NDArray[np.float64]) -> MadePart:
    columns: dict[str, object] = {"jaccard": similar}
    for end, (rows, members) in zip(("first", "second"), ends, strict=True):
        columns[end] = members
        for name, source in {"id": "instruction_id", "source": "source", "row": "row", "length": "length"}.items():
            columns[f"{end}_{name}"] = rows.column(source)
    wanted = schema(Verified)
    made = pa.table([columns[name] for name in wanted.names], schema=wanted)
    return MadePart(made, [], made.num_rows)
