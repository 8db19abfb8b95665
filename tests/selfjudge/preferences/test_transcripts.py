import pytest

from selfj.collect.formats.base import RowProblem
from selfj.selfjudge.preferences.transcripts import is_transcript, transcript_pair, transcript_turns

BEFORE = "\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: Why\n\nis that?\n\nAssistant:"


def test_two_transcripts_share_a_conversation_and_differ_in_the_last_answer():
    draft = transcript_pair({"chosen": f"{BEFORE} Because.", "rejected": f"{BEFORE} No."}).checked()
    assert [turn["role"] for turn in draft.turns] == ["user", "assistant", "user"]
    assert draft.turns[-1]["content"] == "Why\n\nis that?"
    assert (draft.chosen, draft.rejected) == ("Because.", "No.")


def test_two_turns_of_one_speaker_become_one():
    turns = transcript_turns("\n\nHuman: Hi\n\nHuman: Hi?\n\nAssistant: Yes.", "chosen")
    assert [turn["content"] for turn in turns] == ["Hi\n\nHi?", "Yes."]


def test_a_transcript_is_known_by_its_beginning():
    assert is_transcript(BEFORE) and is_transcript(BEFORE.strip())
    assert not is_transcript("A text that quotes it:" + BEFORE) and not is_transcript([BEFORE])


@pytest.mark.parametrize(
    ("chosen", "rejected", "reason"),
    [
        (f"{BEFORE} a", "\n\nHuman: Other\n\nAssistant: b", "different prompts"),
        (f"{BEFORE} a", BEFORE, "empty rejected"),
        (f"{BEFORE} a\n\nHuman: ok", f"{BEFORE} b", "no answer"),
        ("plain text", f"{BEFORE} b", "no transcript"),
        (None, f"{BEFORE} b", "wrong type: null"),
        ("\n\nAssistant: a", "\n\nAssistant: b", "no prompt"),
    ],
)
def test_what_is_no_pair_of_transcripts_says_why(chosen, rejected, reason):
    with pytest.raises(RowProblem) as problem:
        transcript_pair({"chosen": chosen, "rejected": rejected}).checked()
    assert problem.value.reason.startswith(reason)
