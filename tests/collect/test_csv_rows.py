"""CSV and TSV: quoting, wrong column counts, records that are too long or broken."""

import csv
import gzip
from pathlib import Path

import pytest

from selfj.collect.formats.csv_rows import CsvRows
from selfj.collect_settings import SourceSettings
from tests.collect.collecting import read

HEADER = "instruction,output\n"


def put(tmp_path: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_quoted_fields_may_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    found = read(put(tmp_path, HEADER + '"Say ""hi"",\nplease now",hi\nName three colours,"red, green"\n'))
    assert {item.row: (item.instruction, item.reference) for item in found.rows} == {
        0: ('Say "hi",\nplease now', "hi"),
        1: ("Name three colours", "red, green"),
    }


def test_tabs_separate_in_tsv_files(tmp_path: Path) -> None:
    found = read(put(tmp_path, "instruction\toutput\nName three colours, please\tred\n", "file.tsv"))
    assert found.rows[0].instruction == "Name three colours, please"


def test_a_byte_order_mark_before_a_quoted_header_does_no_harm(tmp_path: Path) -> None:
    assert read(put(tmp_path, '\ufeff"instruction","output"\r\na b c,x\r\n')).numbers == [0]


@pytest.mark.parametrize("content", ["", HEADER, "\n"])
def test_a_file_without_records_has_no_rows(tmp_path: Path, content: str) -> None:
    assert read(put(tmp_path, content)).rows_in == 0


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("a b c", "wrong column count: 1 columns, the header has 2"),
        ("a b c,x,y", "wrong column count: 3 columns, the header has 2"),
        ('"a" b c,x', "malformed CSV: ',' expected after '\"'"),
        (b"a \xe9 c,x", "invalid UTF-8: byte 0xe9 in the row"),
        ("a b c,", "empty reference: nothing in output"),
        ("a" * 1_100_000 + ",x", "row too long: 1,100,003 bytes"),
        ('"' + "a\n" * 600_000 + '",x', "row too long: 1,200,005 bytes"),
        ('"' + "a" * 1_100_000 + '""\nb",x', "row too long: 1,100,009 bytes"),
    ],
)
def test_a_bad_record_is_a_reject_and_the_records_around_it_are_kept(tmp_path: Path, record: str | bytes, reason: str) -> None:
    middle = record.encode() if isinstance(record, str) else record
    found = read(put(tmp_path, HEADER.encode() + b"a b first,x\n" + middle + b"\na b last,y\n"))
    assert sorted(item.instruction for item in found.rows) == ["a b first", "a b last"]
    (reject,) = found.rejects
    assert reject.row == 1 and reject.reason.startswith(reason) and reject.content


def test_a_quote_that_is_never_closed_is_a_reject(tmp_path: Path) -> None:
    found = read(put(tmp_path, HEADER + 'a b c,x\n"d e f,y\ng h i,z\n'))
    assert found.numbers == [0] and found.reasons == [(1, None, "malformed CSV: unexpected end of data")]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_large_file_is_cut_into_shards_that_hold_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    plain = tmp_path / "plain.csv"
    with plain.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["instruction", "output"])
        writer.writerows([f'Line "{i}"\n of ß, three\n', "x\n" * (i % 5) + "y"] for i in range(400))
        writer.writerow(["only one"])
    path = put(tmp_path, gzip.compress(plain.read_bytes()) if ending else plain.read_bytes(), f"large.csv{ending}")
    whole = read(path)
    monkeypatch.setattr(CsvRows, "shard_bytes", 2_000)
    assert len(CsvRows(SourceSettings(), 1 << 20).spans(str(path), None)) > 5
    cut = read(path)
    assert cut.reasons == whole.reasons == [(400, None, "wrong column count: 1 columns, the header has 2")]
    assert cut.in_order == whole.in_order
    assert len(whole.rows) == 400
