"""Finding sources: files, folders, globs, formats, names; and one-line errors for what is not there."""

import gzip
import json
import typing
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from selfj.collect.formats import FORMATS
from selfj.collect.sources import UNREADABLE, check_names, contents_of, plan_source
from selfj.collect_settings import FieldSettings, SourceSettings
from selfj.errors import DataError
from tests.collect.collecting import GENERATED, read, row, rows, settings_of, write_jsonl


def test_every_format_of_the_settings_has_a_reader() -> None:
    options = typing.get_args(typing.get_type_hints(SourceSettings)["format"])
    assert set(options) == {"auto", *FORMATS}


def test_the_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "data" / "b.jsonl", rows(2))
    write_jsonl(tmp_path / "data" / "a" / "z.jsonl", rows(2, 10))
    (tmp_path / "data" / "c.json").write_text(json.dumps(rows(2, 20)))
    (tmp_path / "data" / "README.md").write_text("not data")
    write_jsonl(tmp_path / "data" / ".cache" / "x.jsonl", rows(1, 99))
    found = read(tmp_path / "data")
    assert [(item.source, item.row) for item in found.rows if item.row == 0] == [
        ("data/a/z.jsonl", 0),
        ("data/b.jsonl", 0),
        ("data/c.json", 0),
    ]
    assert len(found.rows) == 6


def test_a_glob_takes_the_files_that_match(tmp_path: Path) -> None:
    for name in ("one.jsonl", "two.jsonl", "three.txt"):
        write_jsonl(tmp_path / name, rows(1, len(name)))
    assert {item.source for item in read(SourceSettings(path=f"{tmp_path}/*.jsonl", name="some")).rows} == {
        "some/one.jsonl",
        "some/two.jsonl",
    }


def test_a_limit_of_rows_counts_over_all_files(tmp_path: Path) -> None:
    for i in range(3):
        write_jsonl(tmp_path / "data" / f"{i}.jsonl", rows(4, 10 * i))
    found = read(SourceSettings(path=str(tmp_path / "data"), rows=6))
    assert [(item.source, item.row) for item in sorted(found.rows, key=lambda item: (item.source, item.row))] == [
        *(("data/0.jsonl", i) for i in range(4)),
        *(("data/1.jsonl", i) for i in range(2)),
    ]


def test_a_format_that_is_named_goes_before_the_file_name(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "lines.txt", rows(2))
    assert read(SourceSettings(path=str(tmp_path / "lines.txt"), format="jsonl")).numbers == [0, 1]


def test_files_on_any_file_system_are_read() -> None:
    with fsspec.open("memory://bucket/data/a.jsonl", "wt") as file:
        file.write("\n".join(json.dumps(item) for item in rows(3)))
    assert len(read("memory://bucket/data/a.jsonl").rows) == len(read("memory://bucket/data/*.jsonl").rows) == 3
    assert len(read("memory://bucket/data").rows) == 3


def test_a_generator_makes_the_same_rows_in_whatever_ranges_it_is_asked() -> None:
    few = read(SourceSettings(path=GENERATED, rows=1000, seed=3))
    many = read(SourceSettings(path=GENERATED, rows=4500, seed=3))
    assert {item.instruction_id for item in few.rows} <= {item.instruction_id for item in many.rows}
    assert (few.rows_in, many.rows_in) == (1000, 4500)
    first = few.in_order[0]
    assert (first.category, first.family, first.metadata) == ("academic", "sums", '{"index": 0}')


def test_the_pocket_world_is_a_source() -> None:
    found = read(SourceSettings(path="selfj.pocket.world:instructions", name="pocket", rows=200))
    assert (
        found.rows_in == 200
        and len(found.rows) > 150
        and not [reject for reject in found.rejects if "duplicate" not in reject.reason]
    )
    assert {"seed", "index"} <= set(json.loads(found.rows[0].metadata))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SourceSettings(), "a source has no `path`"),
        (
            SourceSettings(path="nowhere/file.jsonl"),
            r"source 'file.jsonl': nowhere/file.jsonl: no such file or folder, and no file matches \(from /.*correct its `path`",
        ),
        (SourceSettings(path="nowhere/*.jsonl", name="mine"), "source 'mine': nowhere/.* no file matches"),
        (SourceSettings(path="memory://nowhere/x.csv"), "source 'x.csv': memory://nowhere/x.csv: no such file"),
        (SourceSettings(path="selfj/collect"), "the folder holds no file of a known format"),
        (SourceSettings(path="pyproject.toml"), "the format is not known from its name .*set the source's `format`"),
        (SourceSettings(path=GENERATED), "say how many instructions it should make"),
        (SourceSettings(path="selfj.nothing:rows", rows=1), "selfj.nothing:rows cannot be imported .*MODULE:FUNCTION"),
        (SourceSettings(path="selfj.records:nothing", rows=1), "cannot be imported"),
        (SourceSettings(path="nowhere", format="dataset"), "not a readable data set folder"),
    ],
)
def test_what_is_not_there_is_one_line_that_names_it(source: SourceSettings, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        plan_source(0, settings_of(source).collect)
    assert "\n" not in str(caught.value)


def test_a_source_may_lie_in_several_places_and_formats(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a" / "x.jsonl", rows(2))
    write_jsonl(tmp_path / "b" / "y.jsonl", rows(2, 10))
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"instruction,output\nwhat is this,a row\n"))
    (tmp_path / "d.json.zst").write_bytes(zstandard.compress(json.dumps(rows(1, 20)).encode()))
    places = [f"{tmp_path}/b/*.jsonl", f"{tmp_path}/c.csv.gz", f"{tmp_path}/d.json.zst", f"{tmp_path}/b/y.jsonl"]
    found = read(SourceSettings(path=f"{tmp_path}/a", paths=places, name="many"))
    counts = Counter(item.source for item in found.rows)
    assert counts == {"many/a/x.jsonl": 2, "many/b/y.jsonl": 2, "many/c.csv.gz": 1, "many/d.json.zst": 1}


def test_rows_that_are_lists_have_columns_by_position(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('["what is one", "a number"]\n{"0": "what is two", "1": "one more"}\n["what is three"]\n')
    fields = FieldSettings(instruction=["0"], reference=["1"])
    found = read(SourceSettings(path=str(path), fields=fields))
    assert [item.reference for item in found.in_order] == ["a number", "one more"] and found.reasons[0][0] == 2
    assert len(read(path).rejects) == 3, "only if the settings ask for positions"


def test_what_cannot_be_read_is_a_problem_and_the_rest_of_the_source_is_planned(tmp_path: Path) -> None:
    good = write_jsonl(tmp_path / "good.jsonl", rows(3))
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    places = ["nowhere.jsonl", str(tmp_path / "bad.parquet"), "unheard-of://x.jsonl"]
    collect = settings_of(SourceSettings(path=str(good), paths=places, name="mine")).collect
    plan = plan_source(0, collect, strict=False)
    assert [shard.address for shard in plan.shards] == [str(good)]
    assert list(plan.problems) == ["mine/nowhere.jsonl", "mine/unheard-of://x.jsonl", "mine/bad.parquet"]
    assert {label for label, content in plan.inputs.items() if content == UNREADABLE} == set(plan.problems)
    with pytest.raises(DataError, match=r"nowhere\.jsonl: no such file"):
        plan_source(0, collect)


def breaking(seed: int, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """A generator that fails in the third row of its second shard."""
    for i in range(start, stop):
        if i == 2003:
            raise KeyError("no such\ntemplate")
        yield row(i)


def test_a_generator_that_fails_keeps_its_rows_and_tells_unless_strict() -> None:
    source = SourceSettings(path="tests.collect.test_sources:breaking", name="sums", rows=6000)
    found = read(source)
    assert found.numbers == [*range(2003), *range(4000, 6000)]
    ((number, _, reason),) = found.reasons
    assert number == 2003 and "breaks off at row 2003 (KeyError: 'no such\\ntemplate')" in reason and "\n" not in reason
    with pytest.raises(DataError, match="sources:breaking: breaks off at row 2003"):
        read(source, strict=True)


def test_a_source_that_breaks_in_the_middle_keeps_its_rows_and_tells(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    pq.write_table(pa.Table.from_pylist(rows(3000)), path, row_group_size=500, compression="none")
    content = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(3).column(0).data_page_offset
    content[middle : middle + 200] = b"\xaa" * 200
    path.write_bytes(content)
    found = read(path)
    (reject,) = found.rejects
    assert reject.reason.startswith("source breaks off: ") and str(path) in reject.reason
    assert reject.row and 500 < reject.row < 2000
    assert found.numbers == [*range(reject.row), *range(2000, 3000)], "the next shard is whole"
    with pytest.raises(DataError, match=r"broken\.parquet"):
        read(path, strict=True)


def test_two_sources_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match=r"more than one is called 'train\.jsonl'"):
        check_names(["train.jsonl", "other", "train.jsonl"])


def test_another_content_of_a_file_is_another_input(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", rows(3))
    before = plan_source(0, settings_of(path).collect)
    write_jsonl(path, rows(3, 1))
    after = plan_source(0, settings_of(path).collect)
    assert before.shards == after.shards and before.inputs != after.inputs
    assert contents_of(settings_of(path).collect) == after.inputs
    path.unlink()
    assert contents_of(settings_of(path).collect) == {"a.jsonl": UNREADABLE}
