from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfj.selfjudge.preferences.table import (
    Opinion,
    Preference,
    opinions_json,
    pair_id,
    shown,
    split_of,
    turns_of_prompt,
)
from tests.selfjudge.worlds import preference

USER = {"role": "user", "content": "Hello?"}
FRACTIONS = {"test": 0.1, "prompts": 0.3, "held_out": 0.05}


def test_a_single_user_turn_is_shown_as_it_is():
    assert shown([USER]) == "Hello?"


def test_the_speakers_of_a_conversation_are_named():
    turns = [{"role": "system", "content": "Be short."}, USER, {"role": "assistant", "content": "Yes."}, USER]
    assert shown(turns) == "System: Be short.\n\nUser: Hello?\n\nAssistant: Yes.\n\nUser: Hello?"


def test_a_prompt_without_messages_is_one_user_turn():
    assert turns_of_prompt("Hello?", None) == [USER]


def test_splits_have_about_the_shares_asked_for_and_the_rest_is_trained_on():
    counts = Counter(split_of(str(number), FRACTIONS) for number in range(4000))
    assert {name: round(count / 4000, 1) for name, count in counts.items()} == {
        "test": 0.1,
        "prompts": 0.3,
        "held_out": pytest.approx(0.05, abs=0.06),
        "train": pytest.approx(0.55, abs=0.06),
    }


@given(st.text(max_size=30))
def test_a_larger_later_share_does_not_move_an_earlier_split(key):
    more = {**FRACTIONS, "held_out": 0.5}
    before, after = split_of(key, FRACTIONS), split_of(key, more)
    assert after == before or (before, after) == ("train", "held_out")


def test_the_id_of_a_pair_depends_on_all_its_texts_and_on_which_is_preferred():
    assert len({pair_id(*texts) for texts in [("i", "a", "b"), ("i", "b", "a"), ("j", "a", "b"), ("i", "a", "c")]}) == 4


def test_an_opinion_prefers_the_higher_rating_and_nothing_where_there_is_none():
    assert Opinion(4, 2).prefers_chosen is True
    assert Opinion(2, 4).prefers_chosen is False
    assert Opinion(3, 3).prefers_chosen is None
    assert Opinion(3, None).prefers_chosen is None


def test_opinions_come_back_from_their_json():
    opinions = {"honesty": Opinion(4, 2, "It says so.", None), "helpfulness": Opinion()}
    pair: Preference = preference(principles=opinions_json(opinions))
    assert pair.opinions == opinions
    assert preference(principles=opinions_json({})).opinions == {}


def test_an_exchanged_opinion_is_about_the_other_answer():
    assert Opinion(4, 2, "good", "bad").exchanged() == Opinion(2, 4, "bad", "good")


def test_the_gap_is_the_difference_of_the_scores_where_there_are_any():
    assert preference(score_chosen=0.75, score_rejected=0.5).gap == 0.25
    assert preference(score_chosen=0.75, score_rejected=None).gap is None
