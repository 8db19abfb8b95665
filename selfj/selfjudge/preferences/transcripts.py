"""HH-RLHF: two transcripts (`Human: …`, `Assistant: …`, with a blank line before each) that differ in their last answer."""

import re
from typing import Any

from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.selfjudge.preferences.draft import Draft, joined_turns, same_prompt, split_answer
from selfj.selfjudge.preferences.table import Turns

_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):")
_ROLE = {"Human": "user", "Assistant": "assistant"}


def is_transcript(value: Any) -> bool:
    """Whether a column holds one."""
    return isinstance(value, str) and _TURN.match(value) is not None


def transcript_pair(values: dict[str, Any]) -> Draft:
    """The pair of a row. Raises RowProblem if one of the two is no transcript, or if they do not share all but the last turn."""
    (before_chosen, chosen), (before_rejected, rejected) = (
        split_answer(transcript_turns(values.get(name), name), name) for name in ("chosen", "rejected")
    )
    return Draft(same_prompt(before_chosen, before_rejected), chosen, rejected)


def transcript_turns(value: Any, name: str) -> Turns:
    """Turns of a transcript. Raises RowProblem if it is none."""
    if not isinstance(value, str):
        raise RowProblem(f"wrong type: {json_kind(value)} where a transcript is expected", name)
    if not is_transcript(value):
        raise RowProblem(f"no transcript: {value[:40]!r} where 'Human: …' and 'Assistant: …' are expected", name)
    _, *pieces = _TURN.split(value)
    return joined_turns(((_ROLE[role], text.strip()) for role, text in zip(pieces[::2], pieces[1::2], strict=True)), name)
