"""From answers to requests of `/v1/judge` and back: answers of one instruction lie together, in one request where they fit."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Conversation = list[dict[str, str]]
"""Turns with `role` (system, user, assistant) and `content`; the last is the user's."""


@dataclass(frozen=True)
class Answer:
    """An answer to be judged."""

    instruction: str | Conversation
    response: str

    @property
    def group(self) -> str:
        """What is equal in all answers of one instruction."""
        return json.dumps(self.instruction)


@dataclass(frozen=True)
class Judged:
    """What the judge says of one answer."""

    score: float | None
    """0 to 9; None if it could not be judged."""
    threshold: float | None
    """Score from which the promise gives answers; None gives them all."""
    answered: bool
    """Whether the promise gives this answer."""
    reason: str | None
    """Why there is no score."""
    probabilities: tuple[float, ...] | None = None
    """Of the digits 0 to 9."""


def batches(answers: Sequence[Answer], most: int, characters: int) -> Iterator[list[int]]:
    """Places of answers, in requests of at most `most` answers and about `characters`; a group is cut only if it does not fit."""
    groups: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        groups.setdefault(answer.group, []).append(place)
    batch: list[int] = []
    size = 0
    for instruction, places in groups.items():
        for part in _parts(answers, places, most, characters - len(instruction)):
            added = len(instruction) + sum(len(answers[place].response) for place in part)
            if batch and (len(batch) + len(part) > most or size + added > characters):
                yield batch
                batch, size = [], 0
            batch, size = batch + part, size + added
    if batch:
        yield batch


def _parts(answers: Sequence[Answer], places: Sequence[int], most: int, characters: int) -> Iterator[list[int]]:
    """One group, cut where it is too long for a request of its own."""
    part: list[int] = []
    size = 0
    for place in places:
        length = len(answers[place].response)
        if part and (len(part) == most or size + length > characters):
            yield part
            part, size = [], 0
        part, size = [*part, place], size + length
    yield part


def request_of(answers: Sequence[Answer], model: str) -> dict[str, Any]:
    """The body for answers that lie in groups; each instruction is sent once."""
    items: list[dict[str, Any]] = []
    last = None
    for answer in answers:
        if answer.group != last:
            asked = "instruction" if isinstance(answer.instruction, str) else "messages"
            items.append({asked: answer.instruction, "responses": []})
            last = answer.group
        items[-1]["responses"].append(answer.response)
    return {"items": items, **({"model": model} if model else {})}


def judged_of(reply: dict[str, Any]) -> list[Judged]:
    """The judgements in a reply, in the order of the request."""
    return [
        Judged(
            score=result["score"],
            threshold=result["threshold"],
            answered=bool(result["answered"]) and result["score"] is not None,
            reason=result["reason"],
            probabilities=None if result["probabilities"] is None else tuple(result["probabilities"]),
        )
        for result in reply["results"]
    ]
