"""Ranges of tables that are sorted by their first column."""

from pathlib import Path

import pyarrow as pa
import pytest

from selfj.collect.sorted_parts import SortedParts
from selfj.run import RunFolder
from selfj.tables import TableFolder


def table_of(folder: Path, parts: list[list[int]]) -> TableFolder:
    table = RunFolder(str(folder)).table("numbers")
    for number, keys in enumerate(parts):
        rows = pa.table({"key": [f"{key:06d}" for key in keys], "other": list(range(len(keys)))})
        table.write(number, rows, [], len(keys))
    return table


def keys_in(parts: SortedParts, low: int, high: int) -> dict[int, list[int]]:
    pieces = parts.pieces(f"{low:06d}", f"{high:06d}", ["key"])
    return {number: [int(key) for key in rows.column(0).to_pylist()] for number, rows in pieces if rows.num_rows}


def test_a_range_is_what_lies_in_it_of_every_part(tmp_path: Path) -> None:
    parts = SortedParts(table_of(tmp_path, [list(range(0, 4000, 2)), [], list(range(1, 4000, 2))]))
    for _ in range(2):
        assert keys_in(parts, 1499, 1503) == {0: [1500, 1502], 2: [1499, 1501]}
    assert keys_in(parts, 5000, 6000) == {}
    assert sum(map(len, keys_in(parts, 0, 4000).values())) == 4000


def test_what_holds_nothing_of_a_range_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(tmp_path, [list(range(start, start + 10)) for start in range(0, 100, 10)])
    opened: list[int] = []
    really = table.open
    monkeypatch.setattr(table, "open", lambda part: opened.append(part) or really(part))
    parts = SortedParts(table)
    found = [key for low in range(0, 100, 5) for keys in keys_in(parts, low, low + 5).values() for key in keys]
    assert found == list(range(100))
    assert len(opened) == 10 + 19, "each once to see what it holds, then the one that a range lies in"


def test_only_the_row_groups_that_hold_some_of_a_range_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = table_of(tmp_path, [list(range(5000))])
    with table.open(0) as file:
        assert file.num_row_groups == 10
    read: list[int] = []
    real = pa.parquet.ParquetFile.read_row_groups
    monkeypatch.setattr(
        pa.parquet.ParquetFile,
        "read_row_groups",
        lambda self, groups, columns: read.extend(groups) or real(self, groups, columns),
    )
    assert keys_in(SortedParts(table), 990, 1010) == {0: list(range(990, 1010))} and read == [1, 2]
