"""What tables beside `unique` say of its rows."""

import pytest

from selfj.collect.categories.records import Category
from selfj.collect.embedded.clusters import ClusterOf
from selfj.collect.marks import Marks
from selfj.records import Instruction, to_table
from selfj.run import RunFolder

IDS = [f"{number:032x}" for number in range(6)]


@pytest.fixture
def run(run_folder: RunFolder) -> RunFolder:
    """Rows 1, 2 and 4 were asked about, in two parts; of 4 the classifier knew nothing."""
    found = {1: "coding", 2: "academic", 4: None}
    rows = [Category(IDS[place], name, 0.5, 0.1, None, None if name else "why") for place, name in found.items()]
    for part in range(2):
        run_folder.table("categories").write(part, to_table(Category, rows[2 * part : 2 * part + 2]), [], 2)
    clusters = [ClusterOf(key, place * 10, 1.0) for place, key in enumerate(IDS)]
    run_folder.table("clusters").write(0, to_table(ClusterOf, clusters), [], 6)
    return run_folder


def rows_of(categories: list[str], start: int = 0):
    rows = [
        Instruction(IDS[start + place], "i", "r", category, None, "s", place, "train", "{}")
        for place, category in enumerate(categories)
    ]
    return to_table(Instruction, rows)


def test_a_row_that_was_asked_about_gets_what_was_found_and_the_others_keep_their_own(run: RunFolder) -> None:
    marks = Marks("unknown", "categories", "clusters")
    marked = marks.applied(run, rows_of(["mine", "", "", "yours", "", "ours"]))
    assert marked.column("category").to_pylist() == ["mine", "coding", "academic", "yours", "unknown", "ours"]
    assert marked.column("cluster").to_pylist() == [0, 10, 20, 30, 40, 50]
    assert marks.applied(run, rows_of(["", "yours"], start=2)).column("category").to_pylist() == ["academic", "yours"]


def test_all_rows_may_be_asked_about(run: RunFolder) -> None:
    assert Marks("?", "categories").applied(run, rows_of(["a", "b"], start=1)).column("category").to_pylist() == [
        "coding",
        "academic",
    ]


def test_no_tables_change_nothing_and_no_rows_stay_none(run: RunFolder) -> None:
    rows = rows_of(["a", "b"])
    assert Marks("?").applied(run, rows) is rows
    marked = Marks("?", "categories", "clusters").applied(run, rows.slice(0, 0))
    assert marked.num_rows == 0 and marked.column_names[-1] == "cluster"


def test_a_row_that_nobody_knows_is_a_fault_of_the_step(run: RunFolder) -> None:
    with pytest.raises(AssertionError, match="1 rows of `unique` are not in `categories`"):
        Marks("?", "categories").applied(run, rows_of(["", "a"]))
