"""What an instruction of the pocket world is made of."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

Values = tuple[str | None, ...]
"""One value per slot; None is a part that the answer leaves out."""


@dataclass(frozen=True)
class Slot:
    """One thing that a good answer says."""

    kind: str
    """number, series, list, subset, order, choice, or the name of a vocabulary (language.VOCABULARIES)."""
    value: str
    """The right value; entries of a series, list, subset, order or choice are joined by ', '."""


@dataclass(frozen=True)
class Draft:
    """A question of a family before it is dressed up as an instruction."""

    question: str
    slots: tuple[Slot, ...]
    difficulty: int
    """1 (easy) to 3 (hard)."""
    trap: bool
    """Whether the question has the feature on which the web usually errs (precedence, a carry, several parts ...)."""
    context: tuple[str, ...] = ()
    """What the family needs besides the slots to word an answer."""
    echoes: tuple[str, ...] = ()
    """Pieces of the question that an answer may repeat; they are removed before its numbers are read."""

    @property
    def right(self) -> tuple[str, ...]:
        """The right value of every slot."""
        return tuple(slot.value for slot in self.slots)


@dataclass(frozen=True)
class Family:
    """A kind of task: how to draw a question, to word an answer, and to answer with a typical mistake."""

    name: str
    category: str
    draw: Callable[[random.Random, float], Draft]
    """(random numbers, popularity of the entities) → question."""
    say: Callable[[random.Random, Values, Draft], str]
    """(random numbers, values, question) → answer in one of several wordings; right values give grade 1."""
    err: Callable[[random.Random, Draft], str]
    """(random numbers, question) → a confident answer with a systematic mistake; its grade is below 1."""


@dataclass(frozen=True)
class Item:
    """An instruction with its reference and all that grading needs."""

    instruction: str
    reference: str
    category: str
    family: str
    constraint: str | None
    """Name of a language.CONSTRAINTS entry that the instruction asks for."""
    draft: Draft

    @property
    def difficulty(self) -> int:
        """1 (easy) to 3 (hard)."""
        return self.draft.difficulty

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What a good answer says."""
        return self.draft.slots


def integers(text: str) -> list[int]:
    """Read a ', '-joined value back."""
    return [int(entry) for entry in text.split(", ")]


def joined(entries: list[int] | list[str] | tuple[str, ...]) -> str:
    """Join entries into a slot value."""
    return ", ".join(str(entry) for entry in entries)
