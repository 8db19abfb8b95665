"""A range of a table whose parts are sorted by their first column, an integer: only the row groups that hold it are read."""

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from selfj.tables import TableFolder

Columns = list[npt.NDArray[np.int64]]


def read_range(table: TableFolder, low: int, high: int) -> Columns:
    """All columns of the rows with low ≤ first column < high, of all parts one after the other."""
    pieces = [_piece(table, part, low, high) for part in table.parts()]
    return [np.concatenate(columns) for columns in zip(*pieces, strict=True)]


def _piece(table: TableFolder, part: int, low: int, high: int) -> Columns:
    with table.open(part) as file:
        groups = [group for group in range(file.num_row_groups) if _overlaps(file.metadata.row_group(group), low, high)]
        columns = [column.to_numpy() for column in file.read_row_groups(groups).columns]
    inside = (columns[0] >= low) & (columns[0] < high)
    return [column[inside] for column in columns]


def _overlaps(group: pq.RowGroupMetaData, low: int, high: int) -> bool:
    keys = group.column(0).statistics  # None in an empty part
    return keys is not None and bool(keys.min < high and keys.max >= low)
