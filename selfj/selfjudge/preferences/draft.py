"""A pair as a source gives it, before it has an id and a split; and what it must be."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from selfj.collect.conversations import turns_of
from selfj.collect.fields import checked_text
from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.selfjudge.preferences.table import Opinion, Turns

_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Draft:
    """Two answers to one prompt, the first preferred."""

    turns: Turns
    chosen: str
    rejected: str
    score_chosen: float | None = None
    score_rejected: float | None = None
    opinions: dict[str, Opinion] = field(default_factory=dict)
    metadata: str = "{}"

    def checked(self) -> "Draft":
        """Itself.

        Raises RowProblem if a text is empty, the prompt does not end with a user's turn, the answers are the same, or the scores
        do not agree with the preference.
        """
        if not self.turns or self.turns[-1]["role"] != "user" or not self.turns[-1]["content"].strip():
            raise RowProblem("no prompt: the answers do not follow a user's turn", "prompt")
        for name, text in (("chosen", self.chosen), ("rejected", self.rejected)):
            if not checked_text(text, name).strip():
                raise RowProblem(f"empty {name}", name)
        if self.chosen == self.rejected:
            raise RowProblem("same answer: chosen and rejected do not differ", "rejected")
        self._check_scores()
        return self

    def _check_scores(self) -> None:
        if self.score_chosen is None or self.score_rejected is None:
            return
        if self.score_chosen == self.score_rejected:
            raise RowProblem(f"tie: both answers have score {self.score_chosen:g}", "score_chosen")
        if self.score_chosen < self.score_rejected:
            said = f"{self.score_chosen:g}, the other has {self.score_rejected:g}"
            raise RowProblem(f"contradiction: the chosen answer has score {said}", "score_chosen")


def conversation(value: Any, name: str) -> Turns:
    """Turns of a prompt: a text is one user's turn; of a list, neighbours of one speaker are put together.

    Raises RowProblem if it is no conversation, or if somebody but system, user and assistant speaks.
    """
    if isinstance(value, str):
        return [{"role": "user", "content": checked_text(value, name)}]
    return joined_turns(turns_of(value, name), name)


def joined_turns(said: Iterable[tuple[str, str]], name: str) -> Turns:
    """Speaker and text as Turns (chat templates want speakers to take turns)."""
    turns: Turns = []
    for role, text in said:
        if role not in _ROLES:
            raise RowProblem(f"unknown role: {role[:40]!r} where {', '.join(_ROLES)} are expected", name)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += f"\n\n{checked_text(text, name)}"
        else:
            turns.append({"role": role, "content": checked_text(text, name)})
    return turns


def split_answer(turns: Sequence[dict[str, str]], name: str) -> tuple[Turns, str]:
    """A conversation without its last turn, and that turn's text. Raises RowProblem if it is not the assistant's."""
    if not turns or turns[-1]["role"] != "assistant":
        raise RowProblem("no answer: the conversation does not end with the assistant's turn", name)
    return list(turns[:-1]), turns[-1]["content"]


def same_prompt(chosen: Turns, rejected: Turns) -> Turns:
    """The prompt that both answers follow. Raises RowProblem if it is not the same."""
    if chosen != rejected:
        raise RowProblem("different prompts: chosen and rejected do not follow the same conversation", "rejected")
    return chosen


def number_of(value: Any, name: str) -> float | None:
    """A score or rating; None if there is none ("N/A" among them). Raises RowProblem if it is no finite number."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "n/a", "none")):
        return None
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        raise RowProblem(f"wrong type: {json_kind(value)} {str(value)[:40]!r} where a number is expected", name) from None
    if not math.isfinite(number):
        raise RowProblem(f"wrong value: {str(value)[:40]!r} where a finite number is expected", name)
    return number
