"""Choices among several answers, and RewardBench 2's files."""

import json

import numpy as np
import pytest
from datasets import load_dataset

from selfj.cli import main
from selfj.errors import DataError
from selfj.evaluate.data.choices import Choice, by_choice, choice_metrics, questions_of, read_choices, subset_means
from selfj.evaluate.data.evaluate import DataJob, evaluate_data
from selfj.evaluate.data.reading import Columns
from selfj.evaluate.data.scorers import ScorerOptions
from selfj.evaluate.data.scoring import Resampling, score
from tests.evaluate.data.tables import place, scorer, write_jsonl


def choice(row: int, subset: str, *answers: str, right: int = 1) -> Choice:
    return Choice(place(row, subset), f"instruction {row}", answers, right)


CHOICES = [
    choice(0, "Math", "longest", "short", "no", "so"),
    choice(1, "Math", "same", "size", "no", "so"),
    choice(2, "Focus", "no", "longest", "so", "he"),
    choice(3, "Focus", "unscored", "x", "y", "z"),
    choice(4, "Ties", "blue", "green", "a stone", right=2),
    choice(5, "Ties", "Paris!", "Rome", right=1),
]


def scored(choices=CHOICES):
    rater = scorer("length", lambda question: None if question.response == "unscored" else float(len(question.response)))
    return [by_choice(choices, score(rater, questions_of(choices)))]


def test_a_tie_for_the_best_brings_its_share_and_no_score_is_no_way_to_a_better_result():
    assert scored()[0].results.tolist()[:4] == [1.0, 0.5, 0.0, 0.0]


def test_accuracy_is_over_choices_of_one_right_answer():
    found = choice_metrics(CHOICES, scored(), Resampling(50))
    entry = found["methods"]["length"]
    assert (found["rows"], found["several_right"], found["chance"]) == (4, 2, 0.25)
    assert entry["accuracy"] == pytest.approx(1.5 / 4) and entry["by_subset"] == {"Focus": 0.0, "Math": 0.75}
    assert (entry["scored"], entry["unscored"], entry["unscored_reasons"]) == (3, 1, {"too hard": 1})
    with pytest.raises(DataError, match="one right answer"):
        choice_metrics(CHOICES[4:], scored(CHOICES[4:]), Resampling(50))


def test_random_scores_are_right_as_often_as_chance():
    generator = np.random.default_rng(0)
    many = [choice(row, "", "a", "b", "c", "d") for row in range(2000)]
    column = [by_choice(many, score(scorer("random", lambda _: float(generator.random())), questions_of(many)))]
    entry = choice_metrics(many, column, Resampling(100))["methods"]["random"]
    assert entry["accuracy_low"] < 0.25 < entry["accuracy_high"] and subset_means([""], np.array([0.5])) == {"all": 0.5}


ROWS = [
    {"id": "12", "prompt": "Say something long.", "chosen": ["a long answer"], "rejected": ["no", "x", "y"], "subset": "Focus"},
    {"id": "13", "prompt": "Say something short.", "chosen": ["no"], "rejected": ["a long answer", "x", "y"], "subset": "Focus"},
    {"id": "ref:1", "prompt": "A colour?", "chosen": ["blue", "green"], "rejected": ["a stone"], "subset": "Ties"},
]


@pytest.fixture
def table(tmp_path):
    rows = [*ROWS, {"prompt": "No list", "chosen": ["x"], "rejected": "y"}, {"prompt": "Empty", "chosen": [], "rejected": ["y"]}]
    return write_jsonl(tmp_path / "reward-bench-2.jsonl", rows)


def test_its_rows_are_read_and_others_are_rejected_with_their_field(table):
    found, rejects = read_choices(str(table), Columns(first=["chosen"], second=["rejected"]))
    assert [one.right for one in found] == [1, 1, 2] and found[0].answers == ("a long answer", "no", "x", "y")
    assert [(reject.row, reject.field) for reject in rejects] == [(3, "rejected"), (4, "chosen")]


def test_the_files_are_those_of_its_own_script(table, tmp_path):
    """Results as its leaderboard reads them, scores as `run_v2.py` uploads them."""
    columns = Columns(first=["chosen"], second=["rejected"])
    job = DataJob(str(table), str(tmp_path / "out"), columns, True, ScorerOptions(["length"]), rewardbench="me/judge")
    assert evaluate_data(job)["kind"] == "choices"
    folder = tmp_path / "out" / "rewardbench"
    (found,) = load_dataset("json", data_files=str(folder / "eval-set/me/judge.json"), split="train").to_list()
    assert found == {"model": "me/judge", "model_type": "Seq. Classifier", "chat_template": "tokenizer", "Focus": 0.5}
    scores = json.loads((folder / "eval-set-scores/me/judge.json").read_text())
    assert scores["scores"] == [[13, 2, 1, 1], [2, 13, 1, 1], [4, 5, 7]] and scores["results"] == [1, 0, None]
    assert (scores["id"], scores["subset"], scores["num_correct"]) == ([12, 13, "ref:1"], ["Focus", "Focus", "Ties"], [1, 1, 2])
    assert scores["text"][0][0] == [
        {"role": "user", "content": "Say something long."}, {"role": "assistant", "content": "a long answer"}
    ]  # fmt: skip


def test_the_command_prints_accuracy_beside_chance(table, tmp_path, capsys):
    arguments = ["--data", str(table), "--chosen", "chosen", "--methods", "length", "--out", str(tmp_path / "out")]
    assert main(["evaluate", *arguments]) == 0
    said = capsys.readouterr().out
    assert "2 choices to 2 instructions, 2 rows rejected" in said and "a pick at random" in said
    assert "Left out: 1 that are about several right answers." in said and "| `length` | no | 0.500" in said, said
