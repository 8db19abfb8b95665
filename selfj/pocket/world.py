"""The pocket world's generator: instruction number `index` of seed `seed`, the same on every machine and in any order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from selfj.pocket.facts import EVEN_POPULARITY
from selfj.pocket.families import academic, coding, common
from selfj.pocket.items import Draft, Family, Item, Values
from selfj.pocket.language import CONSTRAINTS, LEAD_INS, chatty, rude

FAMILIES: dict[str, Family] = {family.name: family for family in common.FAMILIES + coding.FAMILIES + academic.FAMILIES}
CATEGORIES = ("common", "coding", "academic")

CONSTRAINT_SHARE = 0.35
LEAD_IN_SHARE = 0.3
REFERENCE_CHAT = 0.2
"""How often a reference starts with a polite phrase; web answers do so more often."""


def dress(rng: random.Random, item_constraint: str | None, body: str, *, comply: bool, chat: float) -> str:
    """Make a full answer of `body`: with polite words, or as the constraint demands, or (comply False) against it."""
    if item_constraint is None:
        return chatty(rng, body, chat)
    constraint = CONSTRAINTS[item_constraint]
    return constraint.apply(body) if comply else rude(rng, body, constraint)


def answer(
    rng: random.Random, item: Item, values: Values | None = None, *, comply: bool = True, chat: float = REFERENCE_CHAT
) -> str:
    """Word an answer to `item` with `values` (default: the right ones)."""
    body = FAMILIES[item.family].say(rng, item.draft.right if values is None else values, item.draft)
    return dress(rng, item.constraint, body, comply=comply, chat=chat)


def draw(rng: random.Random, popularity: float, family: str | None = None) -> Item:
    """Draw an instruction of `family` (default: any, all equally often) about things of Zipf exponent `popularity`."""
    chosen = FAMILIES[family] if family else rng.choice(tuple(FAMILIES.values()))
    draft = chosen.draw(rng, popularity)
    constraint = rng.choice(tuple(CONSTRAINTS)) if rng.random() < CONSTRAINT_SHARE else None
    body = chosen.say(rng, draft.right, draft)
    return Item(
        instruction=_instruction(rng, draft, constraint),
        reference=dress(rng, constraint, body, comply=True, chat=REFERENCE_CHAT),
        category=chosen.category,
        family=chosen.name,
        constraint=constraint,
        draft=draft,
    )


def _instruction(rng: random.Random, draft: Draft, constraint: str | None) -> str:
    """Put a lead-in before and the constraint after the question."""
    lead_in = rng.choice(LEAD_INS) if rng.random() < LEAD_IN_SHARE else ""
    demand = " " + rng.choice(CONSTRAINTS[constraint].phrasings) if constraint else ""
    return lead_in + draft.question + demand


def item(seed: int, index: int) -> Item:
    """Return instruction `index` of `seed`: a pure function of the two numbers."""
    return draw(random.Random(f"pocket world {seed} {index}"), EVEN_POPULARITY)


def instructions(seed: int, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """Yield instructions `start` to `stop` - 1 of `seed` as rows for the collect step.

    The metadata names the item, so that evaluation can grade answers to it, and holds neither answer nor grade.
    """
    for index in range(start, stop):
        made = item(seed, index)
        yield {
            "instruction": made.instruction,
            "reference": made.reference,
            "category": made.category,
            "family": made.family,
            "metadata": {"seed": seed, "index": index},
        }
