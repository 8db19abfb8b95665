"""Promises in model names, decisions, and what a declined request is told."""

import pytest

from selfj.serve.decide import Promise, Promises, UnknownModel, decide, refusal_text
from tests.serve.fakes import rating

HALF = Promise("quality=0.5", 5.0, {})
ALWAYS = Promise("always", None, {})
PROMISES = Promises({"quality=0.5": HALF, "always": ALWAYS}, HALF, {})


def test_a_name_without_a_promise_means_the_default():
    assert PROMISES.asked("pocket", "pocket") is HALF
    assert PROMISES.asked("pocket@always", "pocket") is ALWAYS


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("other", "'other' is not served here; 'pocket' is"),
        ("other@always", "'other@always' is not served here"),
        ("pocket@quality=0.9", "nothing was calibrated for 'quality=0.9'; there is quality=0.5, always"),
        ("pocket@", "nothing was calibrated for ''"),
    ],
)
def test_an_unknown_name_is_told_what_there_is(model, message):
    with pytest.raises(UnknownModel, match=message):
        PROMISES.asked(model, "pocket")


def test_a_score_at_the_threshold_is_answered_and_one_below_is_not():
    assert decide(rating(5.0), HALF).answered
    assert not decide(rating(4.99), HALF).answered


def test_without_a_score_only_always_answers():
    assert not decide(rating(None), HALF).answered
    said = decide(rating(None), ALWAYS)
    assert said.answered
    assert said.score is None
    assert said.reason


def test_a_refusal_shows_as_many_decimals_as_tell_score_and_threshold_apart():
    assert "4.0 of 9, and I only answer from 5.0" in refusal_text(decide(rating(4.0), HALF), HALF)
    assert "4.998 of 9, and I only answer from 5.000" in refusal_text(decide(rating(4.998), HALF), HALF)


def test_a_refusal_can_be_said_in_other_words():
    sentence = "No: {score} < {threshold} ({promise})"
    assert refusal_text(decide(rating(4.0), HALF), HALF, sentence) == "No: 4.0 < 5.0 (quality=0.5)"


def test_a_refusal_without_a_score_says_why_there_is_none():
    assert "instruction alone takes 900 of 512 tokens" in refusal_text(decide(rating(None), HALF), HALF)
