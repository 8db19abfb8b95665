"""The card that the docs hold."""

import json

import numpy as np
import pytest

from selfj.pocket import card
from selfj.pocket.policy import Measurement
from selfj.pocket.world import FAMILIES, item


@pytest.fixture
def found() -> Measurement:
    rng = np.random.default_rng(0)
    items = [item(0, index) for index in range(400)]
    grades = rng.random(400)
    return Measurement(items, [made.reference for made in items], grades, 9 * grades, rng.random(400))


def test_the_card_stands_between_its_marks(tmp_path):
    document = tmp_path / "pocket.md"
    document.write_text(f"before\n{card.BEGIN}\nold\n{card.END}\nafter\n")
    card.write_between_marks(document, "new")
    assert document.read_text() == f"before\n{card.BEGIN}\nnew\n{card.END}\nafter\n"


def test_a_document_without_marks_is_refused(tmp_path):
    document = tmp_path / "pocket.md"
    document.write_text("nothing here")
    with pytest.raises(SystemExit, match="expected one"):
        card.write_between_marks(document, "new")
    assert document.read_text() == "nothing here"


def test_every_family_has_a_row_and_an_example(found):
    for text in (card.family_table(found), card.examples(found)):
        assert all(f"| {family} |" in text for family in FAMILIES)


def test_a_bar_in_a_table_cell_does_not_break_the_table():
    assert card.table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"


def test_the_histogram_holds_all_grades(found):
    shares = [float(line.split()[-1].rstrip("%")) for line in card.histogram(found.grades).splitlines()[1:-1]]
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100, abs=1)


def test_figures_name_the_task_mean_baseline(found):
    text = card.figures(found, 0.8)
    assert "task-mean baseline" in text
    assert "| 1.000 |" in text  # the ratings of this measurement are the grades


def test_the_training_log_is_shown_in_a_few_lines(tmp_path):
    assert card.training_log(tmp_path) == "No training log.\n"
    loss = {"step": 1, "seconds": 2, "tokens_per_second": 3, "losses": {"answer": 1.5}}
    dev = {
        "step": 2,
        "seconds": 2,
        "tokens_per_second": 3,
        "dev": {"mean_grade": 0.5, "rating_pearson": 0.4, "likelihood_pearson": 0.1},
    }
    lines = [json.dumps(entry) for entry in [loss] * 50 + [dev]]
    (tmp_path / "training.jsonl").write_text("\n".join(lines))
    text = card.training_log(tmp_path)
    assert text.count("| 1.5 |") == card.LOG_LINES
    assert "| 2 | 0.5 | 0.4 | 0.1 |" in text
