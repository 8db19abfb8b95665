"""Filters: what is too short, too long, and how words are counted."""

import pytest

from selfj.collect.filters import LengthBounds, ReferenceLength, RowSize, count_words, filters
from selfj.collect_settings import CollectSettings
from selfj.records import Instruction


def instruction(text: str, reference: str = "x") -> Instruction:
    return Instruction("0", text, reference, "common", None, "test", 0, "train", "{}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("one two", "instruction too short: 2 words"),
        ("one two three", None),
        ("one two three four five", "instruction too long: 5 words"),
    ],
)
def test_instructions_within_the_bounds_are_kept(text: str, reason: str | None) -> None:
    assert LengthBounds(3, 4).reason_to_reject(instruction(text)) == reason


def test_long_references_are_rejected() -> None:
    assert ReferenceLength(2).reason_to_reject(instruction("a", "one two three")) == "reference too long: 3 words"
    assert ReferenceLength(3).reason_to_reject(instruction("a", "one two three")) is None


def test_a_text_without_spaces_may_still_be_too_long() -> None:
    assert RowSize(10).reason_to_reject(instruction("a" * 10)) == "row too long: 11 characters"


@pytest.mark.parametrize(
    ("text", "words"),
    [("", 0), ("one  two\n", 2), ("größe – zwei", 3), ("请用一句话", 5), ("これはpenです", 6), ("빠른 여우", 2)],
)
def test_words_are_what_stands_between_spaces_and_each_chinese_or_japanese_character(text: str, words: int) -> None:
    assert count_words(text) == words


def test_the_filters_of_a_run_follow_its_settings() -> None:
    chosen = filters(CollectSettings(min_words=1, max_words=2, max_reference_words=1), 100)
    reasons = [rule.reason_to_reject(instruction("a b c", "d e")) for rule in chosen]
    assert reasons == [None, "instruction too long: 3 words", "reference too long: 2 words"]
    assert {rule.field for rule in chosen} <= {"instruction", "reference"}
