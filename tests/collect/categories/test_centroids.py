"""Categories by the nearest labelled centroid."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from selfj.collect.categories.centroids import CentroidMaker, Centroids, NearestMaker, confusion, held_out_counts
from selfj.collect.categories.examples import ExampleMaker, examples_of_file, examples_of_sources, is_held_out
from selfj.collect.categories.records import Category, decided
from selfj.collect.embedded.rows import Remaining
from selfj.collect.embedded.vectors import EmbeddingMaker, to_vectors
from selfj.collect_settings import CentroidSettings
from selfj.config import ScoreSettings
from selfj.errors import DataError
from selfj.records import Instruction, from_table, instruction_id, to_table
from selfj.run import RunFolder
from tests.collect.categories.labelled import LABELLED, OTHERS, write_labelled

SCORE = ScoreSettings()


def write_unique(run: RunFolder, rows: list[tuple[str, str]]) -> None:
    """Text and category (empty: none), in one part."""
    made = [
        Instruction(instruction_id(text), text, "r", category, None, "s", i, "train", "{}")
        for i, (text, category) in enumerate(rows)
    ]
    run.table("unique").write(0, to_table(Instruction, sorted(made, key=lambda row: row.instruction_id)), [], len(rows))


def make(run: RunFolder, name: str, maker) -> None:
    made = maker.make(run, 0)
    run.table(name).write(0, made.rows, made.rejects, made.rows_in)


def classified(run: RunFolder, settings: CentroidSettings, *, only_missing: bool = True) -> dict[str, Category]:
    """All tables from `unique` to `categories`; the latter by instruction."""
    remaining = Remaining()
    make(run, "category_examples", ExampleMaker(settings, SCORE, remaining))
    make(run, "centroids", CentroidMaker(settings, 0))
    make(run, "embeddings", EmbeddingMaker(SCORE, remaining, only_missing))
    make(run, "categories", NearestMaker(settings, remaining, only_missing))
    texts = {row.instruction_id: row.instruction for row in from_table(Instruction, run.table("unique").read(0))}
    return {texts[row.instruction_id]: row for row in from_table(Category, run.table("categories").read(0))}


def test_instructions_get_the_category_of_the_labelled_examples_that_are_like_them(run_folder: RunFolder, tmp_path: Path) -> None:
    write_unique(run_folder, [(text, "") for texts in OTHERS.values() for text in texts] + [("keep me as I am", "mine")])
    settings = CentroidSettings(examples=str(write_labelled(tmp_path / "labelled.jsonl")), per_category=2, held_out=0.25)
    found = classified(run_folder, settings)
    assert {text: row.category for text, row in found.items()} == {
        text: category for category, texts in OTHERS.items() for text in texts
    }
    assert all(row.reason is None and 0 < row.margin < row.score < 1 for row in found.values())  # type: ignore[operator]
    counts = held_out_counts(run_folder, settings)
    held_out = [text for texts in LABELLED.values() for text in texts if is_held_out(instruction_id(text), 0.25)]
    assert sum(sum(row.values()) for row in counts.values()) == len(held_out) > 3
    assert (
        run_folder.table("centroids").read(0).column("category").to_pylist() == ["academic"] * 2 + ["coding"] * 2 + ["common"] * 2
    )


def test_rows_of_categorised_sources_are_the_examples_where_no_file_is_given(run_folder: RunFolder) -> None:
    labelled = [(text, category) for category, texts in LABELLED.items() for text in texts]
    write_unique(run_folder, [*labelled, *((text, "") for texts in OTHERS.values() for text in texts)])
    found = classified(run_folder, CentroidSettings(held_out=0.0))
    assert {text: row.category for text, row in found.items()} == {
        text: category for category, texts in OTHERS.items() for text in texts
    }
    again = classified(run_folder, CentroidSettings(held_out=0.0), only_missing=False)
    assert len(again) == len(labelled) + 6
    assert sum(again[text].category == category for text, category in labelled) >= len(labelled) - 1


def test_of_many_examples_those_with_the_lowest_hashes_are_taken(run_folder: RunFolder, tmp_path: Path) -> None:
    labelled = [(text, category) for category, texts in LABELLED.items() for text in texts]
    write_unique(run_folder, labelled)
    of_sources = examples_of_sources(run_folder, Remaining(), 5)
    of_file = examples_of_file(CentroidSettings(examples=str(write_labelled(tmp_path / "l.jsonl")), max_examples=5))
    assert of_sources == of_file and len(of_file) == 15
    lowest = sorted(instruction_id(text) for text in LABELLED["coding"])[:5]
    assert [example.key for example in of_file if example.category == "coding"] == lowest


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"instruction": "no category here"}, "row 0, column category: empty or missing"),
        ({"instruction": " ", "category": "coding"}, "row 0, column instruction: empty or missing"),
        ({"instruction": 5, "category": "coding"}, "row 0, column instruction: wrong type: "),
    ],
)
def test_a_labelled_row_that_is_none_is_an_error_that_names_it(tmp_path: Path, row: dict, problem: str) -> None:
    path = tmp_path / "labelled.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=problem) as raised:
        examples_of_file(CentroidSettings(examples=str(path)))
    assert "labelled.jsonl" in str(raised.value) and "\n" not in str(raised.value)


def test_one_category_alone_is_no_choice(run_folder: RunFolder) -> None:
    write_unique(run_folder, [("one", "coding"), ("two", "coding"), ("three", "")])
    with pytest.raises(DataError, match="two categories or more are needed; in the sources whose category is set: coding 2"):
        ExampleMaker(CentroidSettings(), SCORE, Remaining()).make(run_folder, 0)


def test_a_category_whose_examples_are_all_held_out_is_an_error(run_folder: RunFolder) -> None:
    rows = to_vectors(pa.chunked_array([pa.array(["1", "2"])]), np.eye(2, dtype=np.float32))
    rows = rows.append_column("category", pa.array(["a", "b"])).append_column("held_out", pa.array([False, True]))
    run_folder.table("category_examples").write(0, rows, [], 2)
    with pytest.raises(DataError, match="all examples of 'b' are held out"):
        CentroidMaker(CentroidSettings(), 0).make(run_folder, 0)


def test_the_nearest_centroid_of_each_category_counts() -> None:
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    table = to_vectors(pa.chunked_array([pa.array(["a", "a", "b"])]), vectors).rename_columns(["category", "embedding"])
    scores = Centroids(table).similarities(np.array([[0.6, 0.8], [-1, 0]], dtype=np.float32))
    assert scores == pytest.approx(np.array([[0.8, -0.6], [0, 1]]), abs=1e-3)


def test_what_is_far_from_all_or_between_two_stays_open_with_a_reason() -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.1], [0.50, 0.48], [np.nan, 0.5]])
    clear, far, between, broken = decided(list("wxyz"), ["a", "b"], scores, 0.3, 0.05, "similarity")
    assert (clear.category, clear.score, clear.margin, clear.reason) == ("a", 0.9, pytest.approx(0.8), None)
    assert far.category is None and far.score == 0.2 and far.reason == "similarity below 0.3: 0.200, of a"
    assert between.category is None and between.reason == "margin below 0.05: 0.020, between a and b"
    assert broken == Category("z", None, None, None, None, "no finite similarity")


def test_held_out_examples_are_counted_by_label_and_finding() -> None:
    assert confusion(["a", "a", "b"], ["a", None, "a"]) == {"a": {"a": 1, "null": 1}, "b": {"a": 1}}
