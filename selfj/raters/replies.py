"""What a language model is asked as a judge, and how its reply becomes a rating."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from selfj.labels import DIGITS, expected_value, normalised_probabilities
from selfj.markers import part_breaker
from selfj.prompts import RATING_PROMPTS
from selfj.rating import Question, Rating

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_THOUGHTS = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
"""What a reasoning model says to itself, where the server does not take it out."""
_QUOTED = 100
"""So much of an unusable reply goes into the reason, in characters."""


@dataclass(frozen=True)
class Token:
    """One token of a reply."""

    text: str
    alternatives: list[tuple[str, float]] = field(default_factory=list)
    """The likeliest tokens at its place, with natural logarithms of their probabilities."""


@dataclass(frozen=True)
class Reply:
    """What an endpoint said, as far as a rating can be read from it."""

    text: str
    refusal: str | None = None
    """The model's refusal, where the endpoint marks it as one."""
    finish_reason: str = ""
    tokens: list[Token] = field(default_factory=list)
    """Empty if the endpoint gives no log probabilities."""


def rating_messages(question: Question, prompts: str) -> list[dict[str, str]]:
    """The chat that asks for a rating: the words our own judges are asked with (`selfj.prompts`), as one user's turn.

    Marks in the texts are broken as for our own judges, as far as they are known without the model.
    """
    texts = RATING_PROMPTS[prompts]
    shown = part_breaker(texts.parts()).broken
    reference = None if question.reference is None else shown(question.reference)
    content = texts.before_response(shown(question.instruction), reference) + shown(question.response) + texts.tail
    return [{"role": "user", "content": content}]


def rating_of(reply: Reply) -> Rating:
    """The rating in a reply, 0 to 9: where probabilities are known the expected value over the digits, else the number said.

    Null with a reason for a refusal, and for a reply whose first number is not between 0 and 9.
    """
    if reply.refusal is not None or reply.finish_reason == "content_filter":
        return unrated(f"refused: {quoted(reply.refusal or reply.text or 'by the content filter')}")
    said = _THOUGHTS.sub("", reply.text)
    found = _NUMBER.search(said)
    if found is None:
        return unrated(f"no number from 0 to 9 in the reply {quoted(reply.text)} ({reply.finish_reason or 'finished'})")
    if not 0 <= float(found.group()) <= 9:
        return unrated(f"{found.group()} in the reply {quoted(reply.text)} is not from 0 to 9")
    tokens = reply.tokens if said == reply.text else []
    return _expected(_alternatives(tokens, found.group()[0])) or Rating(float(found.group()), None, None, None)


def unrated(reason: str) -> Rating:
    """No rating, and why."""
    return Rating(None, None, None, reason)


def quoted(text: str) -> str:
    """The beginning of what was said, on one line in quotes."""
    return repr(" ".join(text[: 4 * _QUOTED].split())[:_QUOTED])


def _alternatives(tokens: Sequence[Token], digit: str) -> list[tuple[str, float]]:
    """What could have stood in place of the digit that the number begins with; nothing if it is no token of its own."""
    return next((token.alternatives for token in tokens if token.text.strip() == digit), [])


def _expected(alternatives: Sequence[tuple[str, float]]) -> Rating | None:
    """Expected value over the digits; one that the endpoint does not list counts as impossible, and `digit_mass` tells of it."""
    logprobs = np.full((1, len(DIGITS)), -math.inf)
    for text, logprob in alternatives:
        if text.strip() in DIGITS:
            column = int(text.strip())
            logprobs[0, column] = np.logaddexp(logprobs[0, column], logprob)
    if not np.isfinite(logprobs).any():
        return None
    probabilities, mass = normalised_probabilities(logprobs)
    return Rating(float(expected_value(probabilities)[0]), probabilities[0].tolist(), float(mass[0]), None)
