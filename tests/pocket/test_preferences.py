import json
from typing import Any

import pytest

from selfj.pocket.grading import grade, grade_response
from selfj.pocket.preferences import SEED_OFFSET, pair_row, pairs, run_pairs, write_pairs
from selfj.pocket.world import instructions, item
from selfj.records import Instruction, Response, instruction_id, response_id, to_table
from selfj.tables import Fingerprint


def test_the_preferred_answer_has_the_higher_grade_in_every_pair():
    for row in pairs(3, 0, 600):
        metadata = row["metadata"]
        assert grade_response(metadata, row["chosen"]) == row["score_chosen"] > row["score_rejected"]
        assert grade_response(metadata, row["rejected"]) == row["score_rejected"]
        assert item(metadata["seed"], metadata["index"]).instruction == row["instruction"]


def test_a_pair_is_the_same_in_whatever_range_it_is_asked_for():
    assert list(pairs(3, 5, 12))[2] == next(iter(pairs(3, 7, 8)))


def test_pairs_are_not_about_the_instructions_of_a_run_with_the_same_seed():
    asked = {row["metadata"]["seed"] for row in instructions(3, 0, 5)}
    assert asked == {3} and {row["metadata"]["seed"] for row in pairs(3, 0, 5)} == {3 + SEED_OFFSET}


def test_the_grade_splits_into_truth_and_following_the_instruction():
    made = item(1, 0)
    row = pair_row(made, (made.reference, "That is hard to say."), {})
    assert row["chosen"] == made.reference
    assert row["principles"]["truthfulness"] == {"chosen": 1.0, "rejected": 0.0}
    assert row["principles"]["helpfulness"]["rejected"] == grade(made, "That is hard to say.")


def _instruction(number: int, row: dict[str, Any]) -> Instruction:
    texts = (row["instruction"], row["reference"], row["category"], row["family"])
    return Instruction(instruction_id(texts[0]), *texts, "test", number, "train", json.dumps(row["metadata"]))


@pytest.fixture
def answered(run_folder):
    """A run in which three instructions have two answers each: right and evasive, the same twice, evasive and right."""
    rows = [_instruction(number, row) for number, row in enumerate(instructions(1, 0, 3))]
    evasive = "That is hard to say."
    said = [(rows[0].reference, evasive), (evasive, evasive), (evasive, rows[2].reference)]
    responses = [
        Response(response_id(row.instruction_id, n), row.instruction_id, text, "p", 0, 5, -1.0, "stop")
        for row, texts in zip(rows, said, strict=True)
        for n, text in enumerate(texts)
    ]
    for name, kind, made in (("instructions", Instruction, rows), ("responses", Response, responses)):
        folder = run_folder.table(name)
        folder.write(0, to_table(kind, made), [], len(made))
        folder.finish(folder.begin(Fingerprint({}, {}), "test"))
    return run_folder


def test_answers_of_a_run_are_pairs_where_their_grades_differ(answered):
    found = list(run_pairs(answered))
    assert [row["metadata"]["index"] for row in found] == [0, 2]
    assert all(row["rejected"] == "That is hard to say." for row in found)


def test_they_are_written_as_a_source(answered, tmp_path):
    path = tmp_path / "pairs.jsonl"
    assert write_pairs(answered.address, str(path)) == 2
    assert [json.loads(line) for line in path.read_text().splitlines()] == list(run_pairs(answered))
