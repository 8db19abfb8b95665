"""JSON files: arrays and objects that hold one, whole, damaged and cut off."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfj.collect.formats import json_array
from selfj.collect.formats.json_array import JsonArray
from selfj.collect_settings import SourceSettings
from tests.collect.collecting import read, row, rows


def put(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "file.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "whole",
    [
        json.dumps(rows(3)),
        json.dumps(rows(3), indent=2),
        "\ufeff" + json.dumps(rows(3)),
        json.dumps({"version": "1.0", "tags": ["a", "b"], "about": {"list": [1]}, "data": rows(3), "end": 1}),
        "\n".join(json.dumps(item) for item in rows(3)),  # JSON Lines under the wrong name
    ],
)
def test_arrays_and_objects_that_hold_one_are_read(tmp_path: Path, whole: str) -> None:
    found = read(put(tmp_path, whole))
    assert found.numbers == [0, 1, 2] and not found.rejects


@pytest.mark.parametrize("empty", ["", " \n", "[]", "[ ]"])
def test_an_empty_file_or_array_has_no_rows(tmp_path: Path, empty: str) -> None:
    assert read(put(tmp_path, empty)).rows_in == 0


@pytest.mark.parametrize(
    "other", ["12", '"text"', "{}", json.dumps(row(1)), '{"data": {"a": 1}}', '{"data": ["a"]}', "{broken", "not JSON"]
)
def test_a_file_without_an_array_of_objects_is_one_reject(tmp_path: Path, other: str) -> None:
    found = read(put(tmp_path, other))
    assert not found.rows and found.rejects[0].reason.startswith("no array: ")


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ('{"instruction": tru, "b": ["]", "\\"}"]}', "malformed JSON: this element of the array"),
        ('"a text"', "not an object: a row must be a JSON object, this is a text"),
        ("12", "not an object: a row must be a JSON object, this is a number"),
        ('{"instruction": "x", "output": 5}', "wrong type: a number where text is expected"),
        (json.dumps({"instruction": 'long \\" ]}, [{' * 100_000}), "row too long: 1,600,020 bytes"),
        ('{"instruction": "long ' + "[{" * 900_000 + "\n" + '"}', "row too long: 1,800,026 bytes"),
    ],
)
def test_a_bad_element_is_one_reject_and_the_elements_around_it_are_kept(tmp_path: Path, element: str, reason: str) -> None:
    found = read(put(tmp_path, f"[{json.dumps(row(0))}, {element} , {json.dumps(row(2))}]"))
    assert found.numbers == [0, 2]
    ((number, _, why),) = found.reasons
    assert number == 1 and why.startswith(reason)


def test_bytes_that_are_no_utf_8_are_the_fault_of_their_row_only(tmp_path: Path) -> None:
    good = json.dumps(rows(2)).encode()[1:-1]
    found = read(put(tmp_path, b'[{"instruction": "\xe4 b c d", "output": "x"}, ' + good + b"]"))
    assert found.numbers == [1, 2]
    assert found.reasons == [(0, None, "invalid UTF-8: byte 0xe4 at 17 of the row")]


@pytest.mark.parametrize(
    ("keep", "reason"),
    [(-40, "in the middle of an element"), (-2, "in the middle of an element"), (-1, "the array is not closed")],
)
def test_a_cut_array_keeps_what_could_be_read_and_tells_of_the_break(tmp_path: Path, keep: int, reason: str) -> None:
    found = read(put(tmp_path, json.dumps(rows(5))[:keep]))
    assert found.numbers == list(range(4 if keep < -1 else 5))
    assert len(found.rejects) == 1 and found.rejects[0].reason.endswith(reason)


def test_a_large_array_is_cut_into_shards_that_hold_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = [row(i, input="ü" * (i % 30)) for i in range(300)]
    path = put(tmp_path, json.dumps({"data": [*content[:100], "odd", *content[100:]]}, ensure_ascii=False, indent=1))
    whole = read(path)
    monkeypatch.setattr(JsonArray, "shard_bytes", 3_000)
    assert len(JsonArray(SourceSettings(), 1 << 20).spans(str(path), None)) > 5
    cut = read(path)
    assert cut.reasons == whole.reasons and len(whole.rejects) == 1
    assert cut.in_order == whole.in_order


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)  # a busy machine is no fault
@given(elements=st.lists(VALUES, max_size=8), ascii_only=st.booleans(), chunk=st.integers(1, 40))
def test_elements_come_out_as_they_were_whatever_the_size_of_the_pieces_read(
    elements: list[Any], ascii_only: bool, chunk: int
) -> None:
    text = json.dumps(elements, ensure_ascii=ascii_only).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "MEBIBYTE", chunk)
        frames = list(JsonArray(SourceSettings(), 1 << 20).frames(io.BufferedReader(io.BytesIO(text[1:])), 1))  # type: ignore[arg-type]
    assert [json.loads(frame.raw) for frame in frames] == elements
    assert all(text[frame.offset :].startswith(frame.raw) for frame in frames)


@settings(deadline=None)  # a busy machine is no fault
@given(elements=st.lists(VALUES, min_size=1, max_size=4), chunk=st.integers(1, 40))
def test_what_is_too_long_is_passed_up_to_the_next_element(elements: list[Any], chunk: int) -> None:
    text = json.dumps([[element] for element in elements] + ["end"], ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "MEBIBYTE", chunk)
        frames = list(JsonArray(SourceSettings(), 5).frames(io.BufferedReader(io.BytesIO(text[1:])), 1))  # type: ignore[arg-type]
    assert len(frames) == len(elements) + 1
    assert frames[-1].raw == b'"end"'
