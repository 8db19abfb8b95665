"""From a conversation to one exchange: a user's turn and the answer to it.

Turns are objects with `role` and `content` (OpenAI, Zephyr) or `from` and `value` (ShareGPT), or plain texts in turn
(UltraChat). A content may be a list of parts, of which the texts count. A conversation may also be JSON in a text column.
"""

import itertools
import json
from typing import Any, Literal

from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.jsonl import json_kind

_USER = frozenset({"user", "human", "prompter", "question", "instruction", "customer"})
_ASSISTANT = frozenset({"assistant", "gpt", "chatgpt", "bot", "model", "bard", "bing", "claude", "answer", "ai", "output"})
_ROLE_NAMES = ("role", "from", "speaker", "user")
_TEXT_NAMES = ("content", "value", "text", "utterance")

Turn = tuple[str, str]
"""Who says it (`user`, `assistant` or another role as it is written) and what."""


def exchange_of(value: Any, which: Literal["first", "last"], field: str) -> Turn:
    """The first or last user's turn that an assistant answers, and the answer.

    Raises RowProblem if the value is no conversation or holds no such exchange.
    """
    turns = turns_of(value, field)
    pairs = [
        (asked, answered)
        for (role, asked), (next_role, answered) in itertools.pairwise(turns)
        if (role, next_role) == ("user", "assistant") and asked.strip() and answered.strip()
    ]
    if not pairs:
        said = ", ".join(dict.fromkeys(role for role, _ in turns)) or "nobody"
        raise RowProblem(f"no exchange: no user's turn with an answer ({said} speaks)", field)
    return pairs[0 if which == "first" else -1]


def turns_of(value: Any, field: str) -> list[Turn]:
    """All turns of a conversation in order. Raises RowProblem if it is none."""
    value = _parsed(value, field)
    if not isinstance(value, list):
        raise RowProblem(f"wrong type: {json_kind(value)} where a list of turns is expected", field)
    if all(isinstance(turn, str) for turn in value):
        return [("assistant" if number % 2 else "user", turn) for number, turn in enumerate(value)]
    return [_turn(turn, field) for turn in value]


def _parsed(value: Any, field: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise RowProblem("wrong type: a text where a list of turns is expected", field) from None


def _turn(turn: Any, field: str) -> Turn:
    if not isinstance(turn, dict):
        raise RowProblem(f"wrong type: {json_kind(turn)} where a turn of a conversation is expected", field)
    role = next((turn[name] for name in _ROLE_NAMES if isinstance(turn.get(name), str)), "")
    content = next((turn[name] for name in _TEXT_NAMES if turn.get(name) is not None), "")
    return _role(role), _text(content, field)


def _role(name: str) -> str:
    lower = name.strip().lower()
    return "user" if lower in _USER else "assistant" if lower in _ASSISTANT else lower


def _text(content: Any, field: str) -> str:
    if isinstance(content, list):
        parts = [part.get("text") if isinstance(part, dict) else part for part in content]
        content = "\n".join(part for part in parts if isinstance(part, str))
    if not isinstance(content, str):
        raise RowProblem(f"wrong type: {json_kind(content)} where the text of a turn is expected", field)
    return content
