"""Ranges of a table whose parts are sorted by their first column: only the row groups that hold some of a range are read."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from selfj.tables import TableFolder


class SortedParts:
    """One such table, finished. It remembers where each part begins and ends: what holds nothing of a range is not opened
    again, so that reading all ranges of a table that is sorted as a whole costs as much as reading it once.
    """

    def __init__(self, table: TableFolder) -> None:
        self.table = table
        self.numbers = table.parts()
        self.bounds: dict[int, tuple[Any, Any] | None] = {}
        """First and last value of each part that was opened; None of an empty one."""

    def pieces(self, low: Any, high: Any, columns: list[str] | None = None) -> Iterator[tuple[int, pa.Table]]:
        """Number of a part, and its rows with low ≤ first column < high, for each part that may have some.

        `columns` (default: all) must name the first one first.
        """
        for number in self.numbers:
            if number not in self.bounds or _overlap(self.bounds[number], low, high):
                yield number, self._piece(number, low, high, columns)

    def _piece(self, number: int, low: Any, high: Any, columns: list[str] | None) -> pa.Table:
        with self.table.open(number) as file:
            of_groups = [_bounds(file.metadata.row_group(group)) for group in range(file.num_row_groups)]
            filled = [bounds for bounds in of_groups if bounds]
            self.bounds[number] = (filled[0][0], filled[-1][1]) if filled else None
            chosen = [group for group, bounds in enumerate(of_groups) if _overlap(bounds, low, high)]
            rows = file.read_row_groups(chosen, columns)
        return between(rows, low, high)


def between(rows: pa.Table, low: Any, high: Any) -> pa.Table:
    """The rows with low ≤ first column < high of a table that is sorted by it."""
    keys = rows.column(0)
    return rows.filter(pc.and_(pc.greater_equal(keys, low), pc.less(keys, high)))


def _bounds(group: pq.RowGroupMetaData) -> tuple[Any, Any] | None:
    keys = group.column(0).statistics  # None in an empty part
    return (keys.min, keys.max) if keys is not None and keys.has_min_max else None


def _overlap(bounds: tuple[Any, Any] | None, low: Any, high: Any) -> bool:
    return bounds is not None and bool(bounds[0] < high and bounds[1] >= low)
