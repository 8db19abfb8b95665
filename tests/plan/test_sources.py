"""Rows of the sources, counted as cheaply as each format allows."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selfj.collect_settings import CollectSettings, SourceSettings
from selfj.plan.sources import MEASURED_ROWS, SourceRows, first_texts, line_count, source_rows
from tests.plan.inputs import lines, row


def rows_of(**source: Any) -> SourceRows:
    return source_rows(0, CollectSettings(sources=[SourceSettings(**source)]))


def made(seed: int, start: int, stop: int) -> Iterator[dict[str, str]]:
    """A generator source."""
    return map(row, range(start, stop))


def test_lines_are_counted_in_chunks_with_or_without_the_last_line_end(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    for text, count in (("", 0), ("x", 1), ("x\n", 1), ("x\ny", 2), ("x" * 3_000_000 + "\ny\n", 2)):
        file.write_text(text)
        assert line_count(str(file)) == count


def test_a_text_file_has_a_row_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(lines(7))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines(5).encode()))
    with (tmp_path / "c.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["instruction", "output"])
        writer.writeheader()
        writer.writerows(row(i) for i in range(3))
    assert rows_of(path=str(tmp_path / "a.jsonl")).rows == 7
    assert rows_of(path=str(tmp_path / "a.jsonl"), rows=4).rows == 4
    assert rows_of(path=str(tmp_path / "*.jsonl*")).rows == 12
    assert rows_of(path=str(tmp_path / "c.csv")).rows == 3


def test_parquet_tells_its_rows_in_the_footer(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([row(i) for i in range(11)]), tmp_path / "a.parquet")
    found = rows_of(path=str(tmp_path / "a.parquet"))
    assert (found.rows, len(found.texts), found.problem) == (11, 11, "")


def test_rows_of_a_json_array_or_of_the_hub_are_unknown_until_the_settings_say_them(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([row(i) for i in range(9)]))
    for path in (str(tmp_path / "a.json"), "hf://nobody/never-seen"):
        found = rows_of(path=path)
        assert found.rows is None and "set `rows` of collect.sources[0]" in found.hint and not found.problem
        assert rows_of(path=path, rows=9).rows == 9
    assert not rows_of(path="hf://nobody/never-seen", rows=9).texts


def test_a_generator_makes_as_many_rows_as_are_set() -> None:
    found = rows_of(path=f"{__name__}:made", rows=40)
    assert (found.rows, len(found.texts)) == (40, 40)
    assert "rows" in rows_of(path=f"{__name__}:made").problem


@pytest.mark.parametrize("path", ["nowhere/a.jsonl", "nowhere/*.jsonl", "no.such.module:made", "notes.docx"])
def test_a_source_that_cannot_be_read_is_a_problem_and_not_a_crash(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.docx").write_text("x")
    found = rows_of(path=path, rows=5)
    assert found.rows is None and found.problem


def test_lengths_are_measured_on_the_rows_that_collect_would_keep(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"broken\n[1]\n{"instruction": "Hi", "output": "short"}\n' + lines(2))
    assert [text.reference for text in rows_of(path=str(tmp_path / "a.jsonl")).texts] == ["It is 1.", "It is 2."]


def test_of_each_source_as_many_rows_are_measured_as_its_share() -> None:
    large, small = rows_of(path=f"{__name__}:made", rows=900), rows_of(path=f"{__name__}:made", rows=100)
    texts = first_texts([large, small, rows_of(path="hf://nobody/never-seen")])
    assert len(texts) == MEASURED_ROWS and texts[-1].instruction == "What is 19 plus one?"
