"""What the makers of this folder read: a range of a table of numbers, and rows of `unique` by their members."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from selfj.collect.near.records import member_of
from selfj.collect.sorted_parts import SortedParts
from selfj.records import schema
from selfj.tables import TableFolder

Columns = list[npt.NDArray[Any]]


def read_range(table: SortedParts, record: type, low: int, high: int) -> Columns:
    """All columns of the rows with low ≤ first column < high, of all parts one after the other."""
    found = pa.concat_tables([schema(record).empty_table(), *(rows for _, rows in table.pieces(low, high))])
    return [column.to_numpy() for column in found.columns]


def rows_of_members(unique: TableFolder, members: npt.NDArray[np.int64], columns: list[str]) -> Iterator[pa.Table]:
    """The rows of some members (sorted), in their order, those of one part at a time."""
    parts = members >> 32
    for part in np.unique(parts).tolist():
        yield _rows_of(unique, part, members[parts == part] - member_of(part, 0), columns)


def _rows_of(unique: TableFolder, part: int, places: npt.NDArray[np.int64], columns: list[str]) -> pa.Table:
    """Rows of one part by their places (sorted); only the row groups that hold one are read."""
    with unique.open(part) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = np.cumsum([0, *sizes])
        groups, inside = np.unique(np.searchsorted(starts, places, side="right") - 1, return_inverse=True)
        read = np.cumsum(np.concatenate([[0], np.diff(starts)[groups]]))
        return file.read_row_groups(groups.tolist(), columns).take(pa.array(places - starts[groups][inside] + read[inside]))
