"""Exact grades, 0 to 1, for any response to an instruction of the pocket world.

Evaluation alone reads them. (The recipes that made the policies also used them, as their "pretraining"; see docs/pocket.md.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from selfj.pocket.items import Item, Slot
from selfj.pocket.language import CONSTRAINTS, VOCABULARIES, WORDS
from selfj.pocket.world import item as make_item

CONSTRAINT_WEIGHT = 0.15
REPEATED = 0.7
"""Factor for a response that says a sentence twice."""
UNFINISHED = 0.9
"""Factor for a response that stops in the middle of a sentence."""
UNBRACKETED = 0.5
"""Factor for a Python list without its brackets."""
NEAR_MISS = 0.5
"""Most that a number of the right length with some wrong digits can earn."""


def near(number: str, right: str) -> float:
    """Credit of one number: 1 if right, else NEAR_MISS times the share of right digits of a number of the same length."""
    if number == right:
        return 1.0
    if len(number) != len(right) or len(right) == 1:
        return 0.0
    return NEAR_MISS * sum(a == b for a, b in zip(number, right, strict=True)) / len(right)


def _in_order(said: Sequence[str], right: Sequence[str]) -> float:
    """Mean credit by place; too few or too many entries cost their share."""
    return sum(near(a, b) for a, b in zip(said, right, strict=False)) / max(len(said), len(right))


def _overlap(said: Sequence[str], right: Sequence[str]) -> float:
    """Entries in both over entries in either; saying one twice counts as saying a wrong one."""
    both = len(set(said) & set(right))
    return both / (len(said) + len(right) - both)


def _digits(text: str) -> list[str]:
    """ASCII numbers of at most nine digits: longer runs are nobody's answer here."""
    return [number for number in re.findall(r"[0-9]+", text) if len(number) < 10]


def _python_list(text: str, slot: Slot) -> float:
    """Credit of the last bracketed list, or a share of the credit of all numbers when there are no brackets."""
    right = slot.value.split(", ")
    credit = _overlap if slot.kind == "subset" else _in_order
    lists = re.findall(r"\[([^\[\]]*)", text)
    return credit(_digits(lists[-1]), right) if lists else UNBRACKETED * credit(_digits(text), right)


def _words(text: str, slot: Slot) -> float:
    """Credit of the known words, with (order) or without (choice) regard to their order."""
    said = [word for word in re.findall(r"\b[a-z]+\b", text) if word in WORDS]
    right = slot.value.split(", ")
    if slot.kind == "choice":
        return _overlap(said, right)
    return sum(a == b for a, b in zip(said, right, strict=False)) / max(len(said), len(right))


def _term(text: str, slot: Slot, question: str) -> float:
    """Credit of one word of a vocabulary: half when other words of it are said too."""
    known = (term for term in VOCABULARIES[slot.kind] if re.search(rf"\b{re.escape(term)}\b", text))
    said = [term for term in known if term == slot.value or term not in question]
    return (1.0 if len(said) == 1 else 0.5) if slot.value in said else 0.0


def _numbers(text: str, slots: Sequence[Slot]) -> list[float]:
    """Credits of all number slots: the n-th number answers the n-th slot, and numbers too many dilute the credit."""
    said = _digits(text)
    right = [slot.value for slot in slots]
    dilution = min(1.0, len(right) / len(said)) if said else 0.0
    padded = said + [""] * len(right)
    return [near(a, b) * dilution for a, b in zip(padded, right, strict=False)]


def _credit(text: str, slot: Slot, question: str) -> float:
    if slot.kind == "series":
        return _in_order(_digits(text), slot.value.split(", "))
    if slot.kind in ("list", "subset"):
        return _python_list(text, slot)
    return _words(text, slot) if slot.kind in ("order", "choice") else _term(text, slot, question)


def content(item: Item, response: str) -> float:
    """Mean credit over the slots of `item`, before form and constraint."""
    for echo in item.draft.echoes:
        response = re.sub(rf"(?<!\d){re.escape(echo)}(?!\d)", " ", response)
    numbers = [slot for slot in item.slots if slot.kind == "number"]
    credits = _numbers(response, numbers)
    credits += [_credit(response, slot, item.draft.question) for slot in item.slots if slot.kind != "number"]
    return sum(credits) / len(credits)


def form(response: str) -> float:
    """Factor for form: saying a sentence twice and stopping in the middle of one both cost."""
    sentences = [part.strip() for part in re.split(r"(?<=[.!?])\s+", response.strip('" \n')) if part.strip()]
    repeated = REPEATED if len(set(sentences)) < len(sentences) else 1.0
    return repeated if response.endswith((".", "!", "?", "]", '"')) else repeated * UNFINISHED


def grade(item: Item, response: str) -> float:
    """Return the exact grade, 0 to 1, of `response` to `item`; the reference has grade 1."""
    response = response.strip()
    earned = content(item, response) * form(response)
    if item.constraint is None:
        return earned
    kept = bool(response) and CONSTRAINTS[item.constraint].holds(response)
    return (1 - CONSTRAINT_WEIGHT) * earned + CONSTRAINT_WEIGHT * kept


def grade_response(metadata: Mapping[str, Any], response: str) -> float:
    """Grade a response to the instruction that `metadata` of world.instructions names."""
    return grade(make_item(int(metadata["seed"]), int(metadata["index"])), response)
