import pytest

from selfj.collect.formats.base import RowProblem
from selfj.selfjudge.preferences.plain import plain_pair
from selfj.selfjudge.preferences.table import Opinion
from selfj.selfjudge.settings import PairFieldSettings

FIELDS = PairFieldSettings()


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_three_texts_are_a_pair():
    draft = plain_pair({"prompt": "Why?", "chosen": "So.", "rejected": "No."}, FIELDS).checked()
    assert (draft.turns, draft.chosen, draft.rejected) == ([turn("user", "Why?")], "So.", "No.")
    assert draft.score_chosen is None and draft.opinions == {}


def test_an_input_stands_below_the_instruction():
    draft = plain_pair({"instruction": "Translate.", "input": "ja", "chosen": "yes", "rejected": "no"}, FIELDS)
    assert draft.turns == [turn("user", "Translate.\n\nja")]


def test_ultrafeedback_binarized_is_a_pair_of_conversations():
    row = {
        "prompt": "Why?",
        "chosen": [turn("user", "Why?"), turn("assistant", "So.")],
        "rejected": [turn("user", "Why?"), turn("assistant", "No.")],
        "messages": [turn("user", "Why?"), turn("assistant", "So.")],
        "score_chosen": 8.5,
        "score_rejected": "7",
    }
    draft = plain_pair(row, FIELDS).checked()
    assert (draft.turns, draft.chosen, draft.rejected) == ([turn("user", "Why?")], "So.", "No.")
    assert (draft.score_chosen, draft.score_rejected) == (8.5, 7.0)


def test_a_conversation_before_the_answers_is_kept_with_its_speakers():
    before = [turn("system", "Be kind."), turn("user", "Hi"), turn("assistant", "Hello"), turn("user", "Why?")]
    for row in (
        {"messages": before, "chosen": "So.", "rejected": "No."},
        {"prompt": before, "chosen": [turn("assistant", "So.")], "rejected": [turn("assistant", "No.")]},
        {"chosen": [*before, turn("assistant", "So.")], "rejected": [*before, turn("assistant", "No.")]},
    ):
        draft = plain_pair(row, FIELDS).checked()
        assert (draft.turns, draft.chosen) == (before, "So.")


def test_ratings_and_rationales_by_principle_are_kept():
    rated = {"honesty": {"chosen": 4, "rejected": "2", "rationale_chosen": "It says what it does not know."}, "helpfulness": None}
    draft = plain_pair({"prompt": "?", "chosen": "a", "rejected": "b", "principles": rated}, FIELDS)
    assert draft.opinions == {"honesty": Opinion(4, 2, "It says what it does not know.")}


def test_columns_of_other_names_are_read_as_told():
    fields = PairFieldSettings(prompt=["q"], chosen=["answers.0.text"], rejected=["answers.1.text"], metadata=["id"])
    draft = plain_pair({"q": "?", "answers": [{"text": "a"}, {"text": "b"}], "id": 7}, fields)
    assert (draft.chosen, draft.rejected, draft.metadata) == ("a", "b", '{"id": 7}')


CONVERSATION = [turn("user", "Why?"), turn("assistant", "So.")]


@pytest.mark.parametrize(
    ("row", "reason", "field"),
    [
        ({"chosen": "a", "rejected": "b"}, "missing prompt", "prompt"),
        ({"prompt": "?", "rejected": "b"}, "missing chosen", "chosen"),
        ({"prompt": "?", "chosen": "a"}, "missing rejected", "rejected"),
        ({"prompt": "?", "chosen": 3, "rejected": "b"}, "wrong type: a number", "chosen"),
        ({"prompt": "?", "chosen": " ", "rejected": "b"}, "empty chosen", "chosen"),
        ({"prompt": "  ", "chosen": "a", "rejected": "b"}, "no prompt", "prompt"),
        ({"prompt": "?", "chosen": "a", "rejected": "a"}, "same answer", "rejected"),
        ({"prompt": "?", "chosen": "a\ud800", "rejected": "b"}, "surrogate code point", "chosen"),
        ({"prompt": "?", "chosen": "a", "rejected": "b", "score_chosen": "high"}, "wrong type: a text 'high'", "score_chosen"),
        ({"prompt": "?", "chosen": "a", "rejected": "b", "score_chosen": float("nan")}, "wrong value", "score_chosen"),
        ({"prompt": "?", "chosen": "a", "rejected": "b", "score_chosen": 3, "score_rejected": 3}, "tie: both", "score_chosen"),
        (
            {"prompt": "?", "chosen": "a", "rejected": "b", "score_chosen": 2, "score_rejected": 3},
            "contradiction",
            "score_chosen",
        ),
        ({"chosen": CONVERSATION, "rejected": [turn("user", "How?"), turn("assistant", "No.")]}, "different prompts", "rejected"),
        ({"chosen": CONVERSATION[:1], "rejected": CONVERSATION}, "no answer", "chosen"),
        ({"chosen": [turn("tool", "1"), *CONVERSATION], "rejected": CONVERSATION}, "unknown role: 'tool'", "chosen"),
        ({"prompt": "?", "chosen": "a", "rejected": "b", "principles": {"charm": {}}}, "unknown principle", "principles.charm"),
        ({"prompt": "?", "chosen": "a", "rejected": "b", "principles": [1]}, "wrong type: a list", "principles"),
    ],
)
def test_a_row_that_is_no_pair_says_why_and_where(row, reason, field):
    with pytest.raises(RowProblem) as problem:
        plain_pair(row, FIELDS).checked()
    assert problem.value.reason.startswith(reason)
    assert problem.value.field == field
