"""Decontamination: shared n-grams, short texts of a set, splits; what cannot be read is an error."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfj.collect.contamination import Contamination, content_of
from selfj.collect_settings import CollectSettings, DecontaminationSettings, EvaluationSetSettings, SourceSettings
from selfj.errors import DataError
from selfj.records import Instruction
from tests.collect.collecting import read, write_jsonl

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
SHORT = "Who wrote the very first novel?"


def clean(path: Path, **settings: Any) -> Contamination:
    return Contamination(DecontaminationSettings(sets=[EvaluationSetSettings(path=str(path), name="exam")], **settings))


@pytest.fixture
def exam(tmp_path: Path) -> Path:
    texts = [
        {"question": LONG, "id": 1},
        {"question": SHORT},
        {"question": "too short"},
        {"answer": "this column does not count at all"},
    ]
    return write_jsonl(tmp_path / "exam.jsonl", texts)


def reason(rule: Contamination, instruction: str, reference: str = "x", split: str = "train") -> str | None:
    return rule.reason_to_reject(Instruction("0", instruction, reference, "common", None, "test", 0, split, "{}"))


@pytest.mark.parametrize(
    ("text", "overlaps"),
    [
        (LONG, True),
        ("Before it, " + " ".join(LONG.upper().split()[:13]) + " and after", True),
        (" ".join(LONG.split()[:12]) + " and after", False),
        ("Tell me: who wrote the very FIRST novel", True),
        ("Who wrote the very second novel?", False),
        ("too short", False),
        ("this column does not count at all", False),
    ],
)
def test_a_row_overlaps_if_it_shares_thirteen_words_or_all_of_a_shorter_text(exam: Path, text: str, overlaps: bool) -> None:
    rule = clean(exam)
    assert reason(rule, text) == reason(rule, "a b", text) == ("contaminated: overlaps exam" if overlaps else None)


def test_only_the_splits_and_texts_that_are_asked_for_are_looked_at(exam: Path) -> None:
    assert reason(clean(exam), LONG, split="test") is None
    assert reason(clean(exam, splits=["train", "test"]), LONG, split="test")
    assert reason(clean(exam, fields=["reference"]), LONG) is None


def test_a_set_that_is_not_there_or_holds_no_text_is_an_error(tmp_path: Path, exam: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
        clean(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match=r"exam: no text of 6 words or more in .*set its `columns`"):
        Contamination(DecontaminationSettings(sets=[EvaluationSetSettings(path=str(exam), name="exam", columns=["title"])]))


def test_the_content_of_a_set_is_part_of_the_fingerprint(exam: Path) -> None:
    item = EvaluationSetSettings(path=str(exam), name="exam")
    before = content_of(item)
    exam.write_text(json.dumps({"question": SHORT}))
    assert list(before) == ["decontaminate exam"] and content_of(item) != before


def test_overlapping_rows_are_rejects_with_the_sets_name(tmp_path: Path, exam: Path) -> None:
    path = write_jsonl(
        tmp_path / "a.jsonl", [{"instruction": LONG, "output": "x"}, {"instruction": "another thing here", "output": "x"}]
    )
    chosen = DecontaminationSettings(sets=[EvaluationSetSettings(path=str(exam))], splits=["train", "calibration", "test"])
    found = read(SourceSettings(path=str(path)), decontaminate=chosen)
    assert [item.row for item in found.rows] == [1] and found.reasons == [(0, "instruction", "contaminated: overlaps exam.jsonl")]
    assert CollectSettings().decontaminate.sets == []
