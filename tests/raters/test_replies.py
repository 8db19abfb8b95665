"""Ratings from what language models say."""

import math

import pytest

from selfj.prompts import RATING_PROMPTS
from selfj.raters.replies import Reply, Token, rating_messages, rating_of
from selfj.rating import Question


def reply(text: str, *alternatives: tuple[str, float]) -> Reply:
    """A reply of one token that could have been others, with these probabilities."""
    return Reply(text, tokens=[Token(text, [(token, math.log(p)) for token, p in alternatives])])


def test_the_question_is_asked_in_the_words_of_our_own_judges():
    (message,) = rating_messages(Question("What is 2 + 2?", "4", "Four."), "standard")
    words = RATING_PROMPTS["standard"]
    assert message["role"] == "user"
    assert message["content"] == (
        f"{words.head}\n\n[Question]\nWhat is 2 + 2?\n\n[Reference answer]\nFour.\n\n[Answer]\n4\n\n[Rating]"
    )


def test_without_a_reference_the_prompt_has_no_place_for_one():
    (message,) = rating_messages(Question("What is 2 + 2?", "4"), "standard")
    assert "Reference" not in message["content"]


def test_probabilities_of_the_digits_give_their_expected_value():
    rating = rating_of(reply("8", ("8", 0.6), ("4", 0.2), ("The", 0.2)))
    assert rating.score == pytest.approx(7.0)
    assert rating.digit_mass == pytest.approx(0.8)
    assert rating.probabilities is not None
    assert rating.probabilities[8] == pytest.approx(0.75)
    assert rating.probabilities[0] == 0
    assert rating.reason is None


def test_a_digit_with_and_without_a_space_before_it_is_one_digit():
    rating = rating_of(reply("8", ("8", 0.3), (" 8", 0.3), ("2", 0.4)))
    assert rating.score == pytest.approx(8 * 0.6 + 2 * 0.4)


def test_the_digit_may_come_after_other_words():
    tokens = [Token("Rating", [("5", -0.1)]), Token(":", []), Token(" 7", [(" 7", math.log(0.5)), (" 9", math.log(0.5))])]
    assert rating_of(Reply("Rating: 7", tokens=tokens)).score == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("text", "score"),
    [("7", 7), (" 7\n", 7), ("Rating: 7", 7), ("7/9", 7), ("7.5", 7.5), ("I'd say 3, not 9.", 3), ("**9**", 9), ("0", 0)],
)
def test_without_probabilities_the_first_number_counts(text, score):
    rating = rating_of(Reply(text))
    assert (rating.score, rating.probabilities, rating.digit_mass) == (score, None, None)


def test_a_number_of_two_tokens_is_not_taken_for_its_first_digit():
    tokens = [Token("1", [("1", -0.1)]), Token("0", [("0", -0.1)])]
    rating = rating_of(Reply("10", tokens=tokens))
    assert rating.score is None
    assert "10 in the reply '10' is not from 0 to 9" in str(rating.reason)


def test_of_a_number_with_decimals_the_first_digits_probabilities_count():
    tokens = [Token("7", [("7", math.log(0.5)), ("9", math.log(0.5))]), Token(".", []), Token("5", [("1", 0.0)])]
    assert rating_of(Reply("7.5", tokens=tokens)).score == pytest.approx(8)


@pytest.mark.parametrize("text", ["10", "-3", "100 points", "9.5"])
def test_a_number_off_the_scale_is_null_with_a_reason(text):
    rating = rating_of(Reply(text))
    assert rating.score is None
    assert "not from 0 to 9" in str(rating.reason)


def test_what_has_no_number_is_null_and_its_first_hundred_characters_are_told():
    text = "I cannot tell.\nReally: " + "x" * 200
    rating = rating_of(Reply(text, finish_reason="length"))
    assert rating.score is None
    assert "'I cannot tell. Really: " + "x" * 77 + "'" in str(rating.reason)
    assert "(length)" in str(rating.reason)
    assert rating_of(Reply("")).reason == "no number from 0 to 9 in the reply '' (finished)"


@pytest.mark.parametrize(
    "refused", [Reply("", refusal="I can't help with 1 of these."), Reply("5", finish_reason="content_filter")]
)
def test_a_refusal_is_null_and_says_so(refused):
    rating = rating_of(refused)
    assert rating.score is None
    assert str(rating.reason).startswith("refused: ")


def test_numbers_in_a_models_thoughts_are_no_rating():
    assert rating_of(Reply("<think>Perhaps a 3?</think>8")).score == 8
    assert rating_of(Reply("<think>Perhaps a 3? Or")).score is None
