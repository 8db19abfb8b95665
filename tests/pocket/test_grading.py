"""Exact grades."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfj.pocket.grading import CONSTRAINT_WEIGHT, form, grade, grade_response, near
from selfj.pocket.items import Draft, Item, Slot
from selfj.pocket.world import FAMILIES, answer, dress, item


def made(*slots: Slot, constraint: str | None = None, question: str = "?", echoes: tuple[str, ...] = ()) -> Item:
    """An item with these slots."""
    return Item(question, "", "common", "town", constraint, Draft(question, slots, 1, False, echoes=echoes))


def test_every_reference_has_grade_one():
    for index in range(20_000):
        drawn = item(11, index)
        assert grade(drawn, drawn.reference) == 1.0, drawn


def test_every_wording_of_the_right_values_has_grade_one():
    rng = random.Random(0)
    for index in range(5000):
        drawn = item(12, index)
        said = answer(rng, drawn, chat=1.0)
        assert grade(drawn, said) == 1.0, (drawn.instruction, said)


def test_a_response_is_graded_by_its_metadata():
    drawn = item(5, 17)
    assert grade_response({"seed": 5, "index": 17}, drawn.reference) == 1.0
    assert grade_response({"seed": 5, "index": 17}, "I do not know.") < 0.2


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.text(max_size=200))
def test_any_text_has_a_grade_between_0_and_1(index: int, text: str):
    assert 0.0 <= grade(item(0, index), text) <= 1.0


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.text(alphabet='0123456789[], ."Wel', max_size=60))
def test_any_list_like_text_has_a_grade_between_0_and_1(index: int, text: str):
    assert 0.0 <= grade(item(0, index), text) <= 1.0


def test_the_empty_response_has_grade_zero():
    assert {grade(item(0, index), "  \n") for index in range(300)} == {0.0}


def test_a_very_long_response_is_graded():
    assert grade(item(0, 0), "9" * 1_000_000 + " word" * 100_000) < 0.5


@pytest.mark.parametrize(
    ("said", "right", "credit"),
    [("85", "85", 1), ("75", "85", 0.25), ("5", "85", 0), ("085", "85", 0), ("7", "8", 0), ("", "8", 0)],
)
def test_near_misses_of_numbers_earn_their_right_digits(said: str, right: str, credit: float):
    assert near(said, right) == credit


def test_every_slot_counts_the_same():
    two = made(Slot("number", "12"), Slot("colour", "red"))
    assert grade(two, "It is red and has 12.") == 1.0
    assert grade(two, "It is red.") == grade(two, "It has 12.") == 0.5


def test_numbers_too_many_dilute_the_credit():
    assert grade(made(Slot("number", "12")), "12 13 14 15.") == 0.25


def test_naming_two_terms_of_a_vocabulary_earns_half():
    colour = made(Slot("colour", "red"))
    assert grade(colour, "It is red or blue.") == 0.5
    assert grade(colour, "It is blue.") == 0.0


def test_terms_of_the_question_are_no_answers():
    assert grade(made(Slot("colour", "red"), question="Is it red or blue?"), "Not blue but red.") == 1.0


def test_the_order_of_a_list_counts_and_that_of_a_subset_does_not():
    assert grade(made(Slot("list", "1, 2, 3")), "[3, 2, 1]") == pytest.approx(1 / 3)
    assert grade(made(Slot("subset", "1, 2, 3")), "[3, 2, 1]") == 1.0
    assert grade(made(Slot("subset", "1, 2")), "[1, 2, 3, 4]") == 0.5


def test_a_list_without_brackets_earns_half():
    assert grade(made(Slot("list", "1, 2, 3")), "1, 2, 3.") == 0.5


def test_a_series_too_long_or_too_short_loses_its_share():
    series = made(Slot("series", "4, 6"))
    assert grade(series, "4, 6, 8.") == pytest.approx(2 / 3)
    assert grade(series, "4.") == 0.5


def test_words_inside_other_words_are_not_answers():
    assert grade(made(Slot("choice", "hat")), "That is easy.") == 0.0


def test_a_step_repeated_from_the_question_is_not_taken_for_an_answer():
    expression = made(Slot("number", "12"), Slot("number", "14"), echoes=("3 * 4",))
    assert grade(expression, "3 * 4 is 12, so the result is 14.") == 1.0
    assert grade(expression, "13 * 4 is 12, so the result is 14.") < 1.0


def test_saying_it_twice_and_stopping_in_the_middle_cost():
    assert form("It is red.") == 1.0
    assert form("It is red. It is red.") < 1.0
    assert form("It is") < 1.0


@pytest.mark.parametrize("name", ["begin", "end", "plain", "quoted"])
def test_ignoring_a_constraint_costs_its_weight(name: str):
    rng = random.Random(1)
    drawn = next(drawn for index in range(1000) if (drawn := item(2, index)).constraint == name)
    body = FAMILIES[drawn.family].say(rng, drawn.draft.right, drawn.draft)
    assert grade(drawn, dress(rng, name, body, comply=True, chat=0)) == 1.0
    assert grade(drawn, dress(rng, name, body, comply=False, chat=0)) == pytest.approx(1 - CONSTRAINT_WEIGHT)
