"""JSON Lines: what is read, and what becomes of lines that cannot be."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from selfj.collect.formats import text
from selfj.collect.formats.jsonl import JsonLines
from selfj.collect.sources import Readers, plan_source
from selfj.collect_settings import SourceSettings
from tests.collect.collecting import read, row, rows, settings_of, write_jsonl


def test_every_line_becomes_an_instruction_with_its_row_number(tmp_path: Path) -> None:
    found = read(write_jsonl(tmp_path / "sums.jsonl", rows(3)))
    assert found.numbers == [0, 1, 2] and not found.rejects
    assert {item.source for item in found.rows} == {"sums.jsonl"}


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "gaps.jsonl"
    path.write_text(f"\n{json.dumps(row(1))}\n  \n{json.dumps(row(2))}")
    found = read(path)
    assert found.numbers == [1, 3] and found.rows_in == 2


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert read(tmp_path / "empty.jsonl").rows_in == 0


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (b'{"instruction": "Cut off in the', None, "malformed JSON: Unterminated string starting at (character 16)"),
        (b"[" * 100_000, None, "malformed JSON: maximum recursion depth"),
        (b'{"instruction": 1' + b"2" * 5000 + b"}", None, "malformed JSON: Exceeds the limit"),
        (b'"only a text"', None, "not an object: a row must be a JSON object, this is a text"),
        (b'{"instruction": "A \xff B", "output": "x"}', None, "invalid UTF-8: byte 0xff at 19 of the row"),
        (b'{"instruction": 12, "output": "x"}', "instruction", "wrong type: a number where text is expected"),
        (b'{"instruction": ["a"], "output": "x"}', "instruction", "wrong type: a list where text is expected"),
        (b'{"instruction": null, "output": "x"}', "instruction", "empty instruction: nothing in instruction"),
        (b'{"instruction": "  ", "output": "x"}', "instruction", "empty instruction: nothing in instruction"),
        (b'{"output": "x"}', "instruction", "missing instruction: no column instruction among output"),
        (b'{"instruction": "a b c d"}', "reference", "missing reference: no column reference, output, response among"),
        (b'{"instruction": "a b c d", "output": " "}', "output", "empty reference: nothing in output"),
        (b'{"instruction": "a b c d", "output": {"text": "x"}}', "output", "wrong type: an object where text is expected"),
        (b'{"instruction": "a \\ud800 c d", "output": "x"}', "instruction", "surrogate code point: U+D800 at 2"),
        (b'{"instruction": "a b c d", "output": "x \\udc00"}', "output", "surrogate code point: U+DC00 at 2"),
        (b'{"instruction": "a b c d", "output": "x", "category": "\\ud800"}', "category", "surrogate code point: U+D800 at 0"),
        (b'{"instruction": "two words", "output": "x"}', "instruction", "instruction too short: 2 words"),
        (b'{"instruction": "' + b"a " * 1025 + b'", "output": "x"}', "instruction", "instruction too long: 1025 words"),
        (b'{"instruction": "a b c d", "output": "' + b"a " * 1025 + b'"}', "reference", "reference too long: 1025 words"),
    ],
)
def test_a_bad_line_is_one_reject_and_the_lines_around_it_are_kept(
    tmp_path: Path, line: bytes, field: str | None, reason: str
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(json.dumps(row(0)).encode() + b"\n" + line + b"\n" + json.dumps(row(2)).encode() + b"\n")
    found = read(path)
    assert found.numbers == [0, 2]
    ((number, at, why),) = found.reasons
    assert (number, at) == (1, field) and why.startswith(reason)
    assert found.rejects[0].source == "bad.jsonl" and found.rejects[0].step == "collect" and found.rejects[0].content


def test_a_line_of_ten_megabytes_is_rejected_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    long = json.dumps({"instruction": "a" * 10_000_000, "reference": "x"}).encode()
    path.write_bytes(json.dumps(row(0)).encode() + b"\n" + long + b"\n" + json.dumps(row(2)).encode())
    found = read(path)
    assert found.numbers == [0, 2]
    assert found.reasons == [
        (1, None, f"row too long: {len(long) + 1:,} bytes, at most 1,048,576 are read (collect.max_line_megabytes)")
    ]
    assert len(found.rejects[0].content) <= 2000


def test_the_longest_line_that_is_allowed_is_read(tmp_path: Path) -> None:
    short = json.dumps(row(0))
    path = tmp_path / "edge.jsonl"
    path.write_text(f"{short}\n{short} \n")
    found = read(path, max_line_megabytes=len(short) / (1 << 20))
    assert found.numbers == [0] and found.reasons[0][0] == 1


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(json.dumps(item).encode() for item in rows(2)))
    assert read(path).numbers == [0, 1]


@pytest.mark.parametrize("ending", ["gz", "zst"])
def test_compressed_files_are_read(tmp_path: Path, ending: str) -> None:
    plain = write_jsonl(tmp_path / "plain.jsonl", rows(50)).read_bytes()
    packed = {"gz": gzip.compress, "zst": zstandard.compress}[ending]
    path = tmp_path / f"packed.jsonl.{ending}"
    path.write_bytes(packed(plain) + packed(json.dumps(row(99)).encode()))  # two frames one after the other
    assert read(path).numbers == list(range(51))


def test_a_compressed_file_that_breaks_off_keeps_what_could_be_read(tmp_path: Path) -> None:
    plain = write_jsonl(tmp_path / "plain.jsonl", rows(20_000)).read_bytes()
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(plain)[:-20_000])
    found = read(path)
    assert len(found.rows) > 1000
    ((number, _, reason),) = found.reasons
    assert number == len(found.rows) and reason.startswith("file breaks off: ")


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_large_file_is_cut_into_shards_that_hold_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    content = [row(i, input="é" * (i % 50)) for i in range(500)]
    plain = write_jsonl(tmp_path / "plain.jsonl", content).read_bytes() + b'{"broken\n' + json.dumps(row(501)).encode()
    path = tmp_path / f"large.jsonl{ending}"
    path.write_bytes({"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[ending](plain))
    whole = read(path)
    monkeypatch.setattr(JsonLines, "shard_bytes", 5_000)
    spans = JsonLines(SourceSettings(), 1 << 20).spans(str(path), None)
    cut = read(path)
    assert len(spans) > 8 and spans[-1].stop is None
    assert cut.reasons == whole.reasons and len(whole.rows) == 501
    assert cut.in_order == whole.in_order


def test_a_compressed_file_is_opened_once_for_shards_that_follow_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row(i)) + "\n" for i in range(2000)).encode()))
    monkeypatch.setattr(JsonLines, "shard_bytes", 5000)
    settings = settings_of(path).collect
    shards = plan_source(0, settings).shards
    assert len(shards) > 20
    opened: list[str] = []
    monkeypatch.setattr(text, "gzip", CountingGzip(opened))
    readers = Readers(settings)
    for chosen, openings in ((shards, 1), (shards[::2], 2), ([shards[3], shards[1]], 4)):
        found = [raw.row for shard in chosen for raw in readers.rows(shard)]
        assert found == [number for shard in chosen for number in range(shard.span.start, shard.span.stop or 2000)]
        assert len(opened) == 2 * openings, "the file's beginning is read once more for each opening"


class CountingGzip:
    """gzip, and a line for each file that it opens."""

    BadGzipFile = gzip.BadGzipFile

    def __init__(self, opened: list[str]) -> None:
        self.opened = opened

    def GzipFile(self, fileobj: Any) -> gzip.GzipFile:
        self.opened.append("once")
        return gzip.GzipFile(fileobj=fileobj)


@pytest.mark.parametrize("limit", [0, 1, 7, 500])
def test_a_limit_of_rows_reads_the_first_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    path = write_jsonl(tmp_path / "many.jsonl", rows(20))
    monkeypatch.setattr(JsonLines, "shard_bytes", 200)
    assert read(SourceSettings(path=str(path), rows=limit)).numbers == list(range(min(limit, 20)))
