"""Parquet files, data sets saved to disk, and `hf://` names."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selfj.collect.formats.arrow import HubDataset
from selfj.collect.formats.base import Span, even_spans
from selfj.collect.sources import Readers, plan_source
from selfj.collect_settings import FieldSettings, SourceSettings
from selfj.errors import DataError
from tests.collect.collecting import read, row, rows, settings_of


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing may be fetched, and the cache is the test's own."""
    datasets = pytest.importorskip("datasets")
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def dataset(content: list[dict[str, Any]]) -> Any:
    import datasets

    return datasets.Dataset.from_list(content)


def test_parquet_rows_are_read_across_row_groups(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist(rows(5000)), tmp_path / "file.parquet", row_group_size=300)
    assert read(tmp_path / "file.parquet").numbers == list(range(5000))  # three shards
    assert read(SourceSettings(path=str(tmp_path / "file.parquet"), rows=10)).numbers == list(range(10))


def test_only_the_columns_that_are_needed_are_read_from_parquet(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([row(1, big=b"x" * 100, score=0.5)]), tmp_path / "file.parquet")
    found = read(SourceSettings(path=str(tmp_path / "file.parquet"), fields=FieldSettings(metadata=["score"])))
    assert found.rows[0].metadata == '{"score": 0.5}'


def test_wrong_types_and_nulls_in_parquet_are_rejects(tmp_path: Path) -> None:
    numbers = pa.table({"instruction": [1, 2], "output": ["a", "b"]})
    pq.write_table(numbers, tmp_path / "numbers.parquet")
    assert [reason for _, _, reason in read(tmp_path / "numbers.parquet").reasons] == [
        "wrong type: a number where text is expected"
    ] * 2
    nulls = pa.table({"instruction": ["a b c", None], "output": [None, "b"]})
    pq.write_table(nulls, tmp_path / "nulls.parquet")
    assert [field for _, field, _ in read(tmp_path / "nulls.parquet").reasons] == ["output", "instruction"]


def test_a_parquet_file_without_the_columns_shows_the_ones_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["a b c"], "answer": ["x"]}), tmp_path / "other.parquet")
    (reject,) = read(tmp_path / "other.parquet").rejects
    assert reject.reason == "missing instruction: no column instruction among question, answer"


def test_texts_in_parquet_that_are_no_utf_8_are_the_fault_of_their_row_only(tmp_path: Path) -> None:
    wrong = pa.array([b"a b c", b"d \xff f", b"g h i"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"instruction": wrong, "output": ["x", "y", "z"]}), tmp_path / "file.parquet")
    found = read(tmp_path / "file.parquet")
    assert found.numbers == [0, 2]
    assert found.reasons == [(1, "instruction", "invalid UTF-8: byte 0xff at 2 of the text")]


@pytest.mark.parametrize("damage", ["cut", "garbled", "empty"])
def test_a_damaged_parquet_file_is_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "broken.parquet"
    pq.write_table(pa.Table.from_pylist(rows(3000)), path)
    content = path.read_bytes()
    middle = len(content) // 3
    path.write_bytes({"cut": content[:middle], "garbled": content[:50] + b"\xaa" * 5000 + content[5050:], "empty": b""}[damage])
    with pytest.raises(DataError, match=r"broken\.parquet: not a readable Parquet file"):
        read(path, strict=True)


def test_a_data_set_saved_to_disk_is_read(tmp_path: Path) -> None:
    dataset(rows(2500)).save_to_disk(tmp_path / "saved")
    found = read(tmp_path / "saved")
    assert found.numbers == list(range(2500)) and found.rows[0].source == "saved"


def test_of_a_saved_dict_of_splits_the_chosen_one_is_read(tmp_path: Path) -> None:
    import datasets

    datasets.DatasetDict({"train": dataset(rows(4)), "test": dataset(rows(2, 100))}).save_to_disk(tmp_path / "splits")
    assert len(read(tmp_path / "splits").rows) == 4
    assert len(read(SourceSettings(path=str(tmp_path / "splits"), split="test")).rows) == 2
    with pytest.raises(DataError, match="no split 'dev'; set the source's `split` to one of train, test"):
        read(SourceSettings(path=str(tmp_path / "splits"), split="dev"))


def test_class_labels_come_out_as_their_names(tmp_path: Path) -> None:
    import datasets

    labels = datasets.ClassLabel(names=["maths", "code"])
    saved = dataset([row(1, category=1), row(2, category=0)]).cast_column("category", labels)
    saved.save_to_disk(tmp_path / "labelled")
    found = read(SourceSettings(path=str(tmp_path / "labelled"), categories={"code": "coding"}))
    assert {item.row: item.category for item in found.rows} == {0: "coding", 1: "maths"}


def test_a_folder_that_is_no_data_set_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="not a readable data set folder"):
        read(SourceSettings(path=str(tmp_path / "nothing"), format="dataset"))


@pytest.mark.parametrize("limit", [None, 30])
def test_hf_names_are_loaded_by_datasets(tmp_path: Path, limit: int | None) -> None:
    folder = tmp_path / "own" / "data"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows(50)), folder / "train-00000-of-00002.parquet")
    pq.write_table(pa.Table.from_pylist(rows(50, 50)), folder / "train-00001-of-00002.parquet")
    found = read(SourceSettings(path=f"hf://{tmp_path}/own", rows=limit))
    assert found.numbers == list(range(limit or 100)) and found.rows[0].source == "own"


def test_a_stream_is_begun_once_for_shards_that_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(rows(5000)).save_to_disk(tmp_path / "saved")
    settings = settings_of(SourceSettings(path=f"hf://{tmp_path}/saved", rows=4500)).collect
    shards = plan_source(0, settings).shards
    begun: list[int] = []
    really = HubDataset._streamed
    monkeypatch.setattr(
        HubDataset, "_streamed", lambda self, address, span: begun.append(span.start) or really(self, address, span)
    )
    readers = Readers(settings)
    assert [raw.row for shard in shards for raw in readers.rows(shard)] == list(range(4500))
    assert len(shards) == 3 and begun == [0]


@pytest.mark.parametrize("limit", [None, 3, 30])
def test_hf_names_may_be_folders_that_were_saved_to_disk(tmp_path: Path, limit: int | None) -> None:
    dataset(rows(20)).save_to_disk(tmp_path / "saved")
    assert len(read(SourceSettings(path=f"hf://{tmp_path}/saved", rows=limit)).rows) == min(limit or 20, 20)


@pytest.mark.parametrize("limit", [None, 10])
def test_a_name_that_cannot_be_reached_is_one_line(limit: int | None) -> None:
    with pytest.raises(DataError, match=r"hf://nobody/nothing: cannot be loaded .*check its name") as caught:
        read(SourceSettings(path="hf://nobody/nothing", rows=limit))
    assert "\n" not in str(caught.value)


def test_even_spans_cover_all_rows_once() -> None:
    assert even_spans(0, None) == []
    assert even_spans(4500, 2500) == [Span(0, 2000), Span(2000, 2500)]
    assert len(even_spans(2_000_000, None)) == 100
