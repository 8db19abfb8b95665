"""Mistakes: what the policies' training text ("the web") gets wrong, and random corruptions to practise rating on.

Systematic mistakes belong to a family and fall on its trap; failures of form (cut short, said twice, another question ...) happen
to all. Both can be recognised from instruction and answer alone: this is what a judge can learn without a reference.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from selfj.pocket.facts import WEB_POPULARITY
from selfj.pocket.items import Item, Slot, Values, joined
from selfj.pocket.language import EVASIONS, VOCABULARIES, WORDS
from selfj.pocket.world import FAMILIES, answer, draw, dress


@dataclass(frozen=True)
class WebHabits:
    """How often the web fails, and how."""

    trapped: float = 0.6
    """Probability of the family's mistake where the trap is."""
    careless: float = 0.12
    """The same without the trap."""
    malformed: float = 0.1
    """Probability of a failure of form otherwise."""
    comply: float = 0.6
    """Probability that a constraint is kept."""
    chat: float = 0.4
    """Probability of polite words."""
    family_trapped: dict[str, float] = field(default_factory=dict)
    """Other values of `trapped` for single families, so that families have similar mean grades."""


def truncated(rng: random.Random, item: Item, body: str) -> str:
    """Stop in the middle."""
    words = body.split(" ")
    kept = words[: max(1, int(len(words) * rng.uniform(0.3, 0.7)))]
    return " ".join(kept) if len(words) > 1 else body[: max(1, len(body) // 2)]


def repeated(rng: random.Random, item: Item, body: str) -> str:
    """Say it twice."""
    return f"{body} {body}" if body.endswith(".") else f"{body}. {body}."


def elsewhere(rng: random.Random, item: Item, body: str) -> str:
    """Answer another question."""
    while True:
        other = draw(rng, WEB_POPULARITY)
        said = FAMILIES[other.family].say(rng, other.draft.right, other.draft)
        if other.family != item.family and not any(value in said for value in item.draft.right):
            return said


def evasive(rng: random.Random, item: Item, body: str) -> str:
    """Say nothing."""
    return rng.choice(EVASIONS)


def unbracketed(rng: random.Random, item: Item, body: str) -> str:
    """Write a Python list without its brackets; stop in the middle where there is no list."""
    return body.replace("[", "").replace("]", "") if "[" in body else truncated(rng, item, body)


FAILURES_OF_FORM: tuple[Callable[[random.Random, Item, str], str], ...] = (truncated, repeated, elsewhere, evasive, unbracketed)


def mistaken(rng: random.Random, item: Item) -> str:
    """Return the body of an answer with a mistake of the family of `item`."""
    return FAMILIES[item.family].err(rng, item.draft)


def malformed(rng: random.Random, item: Item) -> str:
    """Return the body of an answer with right values and a failure of form."""
    body = FAMILIES[item.family].say(rng, item.draft.right, item.draft)
    return rng.choice(FAILURES_OF_FORM)(rng, item, body)


def web_answer(rng: random.Random, item: Item, habits: WebHabits) -> str:
    """Answer as the web does: right, or with a mistake; constraints are often ignored."""
    trapped = habits.family_trapped.get(item.family, habits.trapped)
    if rng.random() < (trapped if item.draft.trap else habits.careless):
        body = mistaken(rng, item)
    elif rng.random() < habits.malformed:
        body = malformed(rng, item)
    else:
        body = FAMILIES[item.family].say(rng, item.draft.right, item.draft)
    return dress(rng, item.constraint, body, comply=rng.random() < habits.comply, chat=habits.chat)


def _corrupt_number(rng: random.Random, right: str) -> str:
    """Return a number near `right`, with one other digit, or any of the same length."""
    value = int(right)
    choice = rng.random()
    if choice < 0.35:
        return str(abs(value + rng.choice((-10, -2, -1, 1, 2, 10))))
    if choice < 0.7:
        place = rng.randrange(len(right))
        return str(int(right[:place] + rng.choice("123456789") + right[place + 1 :]))
    return str(rng.randint(10 ** (len(right) - 1), 10 ** len(right) - 1))


def _corrupt_entries(rng: random.Random, slot: Slot) -> str:
    """Exchange, drop or replace one to three entries."""
    entries = slot.value.split(", ")
    for _ in range(rng.randint(1, 3)):
        choice = rng.random()
        first, second = rng.randrange(len(entries)), rng.randrange(len(entries))
        if choice < 0.4:
            entries[first], entries[second] = entries[second], entries[first]
        elif choice < 0.6 and len(entries) > 1:
            entries.pop(first)
        else:
            entries[first] = rng.choice(WORDS) if slot.kind in ("order", "choice") else _corrupt_number(rng, entries[first])
    return joined(entries)


def corrupted_value(rng: random.Random, slot: Slot) -> str:
    """Return a random other value for `slot`; by chance it may be right."""
    if slot.kind == "number":
        return _corrupt_number(rng, slot.value)
    return rng.choice(VOCABULARIES[slot.kind]) if slot.kind in VOCABULARIES else _corrupt_entries(rng, slot)


def corrupted(rng: random.Random, item: Item) -> Values:
    """Return the values of `item`, one or more of them corrupted."""
    bad = set(rng.sample(range(len(item.slots)), rng.randint(1, len(item.slots))))
    return tuple(corrupted_value(rng, slot) if place in bad else slot.value for place, slot in enumerate(item.slots))


def corrupted_answer(rng: random.Random, item: Item, habits: WebHabits) -> str:
    """Word an answer with corrupted values."""
    return answer(rng, item, corrupted(rng, item), comply=rng.random() < habits.comply, chat=habits.chat)
