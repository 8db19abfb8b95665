"""The data card: counts, lengths, first words, sources with licence and problems."""

from collections import Counter

from selfj.collect.card import classes, data_card, first_word
from selfj.config import Settings, SourceSettings
from selfj.records import Instruction, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest

SOURCES = [
    SourceSettings(path="a.jsonl", name="a|b", category="common", licence="MIT", published=9),
    SourceSettings(path="gone.jsonl"),
]
DETAILS = {
    "rows_in": 4,
    "rows_out": 3,
    "rejected": 1,
    "reasons": {"duplicate": 1},
    "splits": {"train": 2, "test": 1},
    "categories": {"common": 3},
    "sources": {
        "a|b": {"read": 4, "kept": 3, "rejected": 1, "reasons": {"duplicate": 1}},
        "gone.jsonl": {"read": 0, "kept": 0, "rejected": 0, "reasons": {}, "problems": {"gone.jsonl": "no such file"}},
    },
}


def test_a_card_tells_where_the_instructions_come_from_and_what_they_are(run_folder: RunFolder) -> None:
    texts = ["Write a poem.", "write two words now please thank you", '"Why" is it so?']
    rows = [Instruction(str(i), text, "one two", "common", None, "a|b", i, "train", "{}") for i, text in enumerate(texts)]
    run_folder.table("instructions").write(0, to_table(Instruction, rows), [], 3)
    run_folder.table("instructions").write_manifest(Manifest("instructions", Fingerprint({}, {}), finished=True, details=DETAILS))
    settings = Settings(name="mine")
    settings.collect.sources = SOURCES
    lines = data_card(run_folder, settings).splitlines()
    assert lines[0] == "# mine: 3 instructions"
    assert lines[2] == "4 rows read = 3 kept + 1 rejected. Splits: test 1, train 2"
    assert "| a\\|b | common | MIT | 4 | 3 | 9 |  |" in lines
    assert "| gone.jsonl | by row | not stated | 0 | 0 |  | no such file |" in lines
    assert "Median 4, longest 7." in lines and "Median 2, longest 2." in lines
    assert f"| write | 2 | {'█' * 30} |" in lines and f"| why | 1 | {'█' * 15} |" in lines


def test_lengths_fall_into_classes_of_which_the_last_is_open() -> None:
    found = classes(Counter({1: 2, 4: 3, 1000: 1, 5000: 1}))
    assert found["1"] == 2 and found["2–4"] == 3 and found["1000 or more"] == 2 and sum(found.values()) == 7


def test_a_first_word_that_is_none_is_left_out() -> None:
    assert [first_word(text) for text in ("Hello, world", "", "42 is it", "  (Why)")] == ["hello", "", "", "why"]
