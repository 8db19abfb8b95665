"""UltraFeedback in full: several completions of an instruction, each rated under four principles, with rationales.

A completion's score is the mean of its ratings; `overall_score` is not used, because in the published data it is 10 where the
critique said 1.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from selfj.collect.fields import optional_text, required_text
from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.records import stable_seed
from selfj.selfjudge.preferences.draft import Draft, number_of
from selfj.selfjudge.preferences.table import Opinion
from selfj.selfjudge.wording import OVERALL, PRINCIPLES

_RATED = tuple(name for name in PRINCIPLES if name != OVERALL)


@dataclass(frozen=True)
class _Completion:
    response: str
    ratings: dict[str, float]
    rationales: dict[str, str]

    @property
    def score(self) -> float:
        return float(np.mean(list(self.ratings.values())))


def is_rated(values: dict[str, Any]) -> bool:
    """Whether a row holds completions."""
    return isinstance(values.get("completions"), list)


def rated_pairs(values: dict[str, Any], take: Literal["all", "best"]) -> Iterator[Draft | RowProblem]:
    """Pairs of a row, and why there are no more: of every two completions, or of the best one and another drawn by hash.

    Raises RowProblem if the row has no instruction, or not at least two completions.
    """
    instruction = required_text(values, ["instruction", "prompt"], "instruction")
    given = values.get("completions")
    if not isinstance(given, list) or len(given) < 2:
        raise RowProblem("missing completions: a list of at least two is expected", "completions")
    completions = []
    for number, entry in enumerate(given):
        try:
            completions.append(_completion(entry, f"completions.{number}"))
        except RowProblem as problem:
            yield problem
    chosen = _all(completions) if take == "all" else _best(completions, instruction)
    yield from (_pair(instruction, *pair) for pair in chosen)


def _completion(entry: Any, name: str) -> _Completion:
    if not isinstance(entry, dict):
        raise RowProblem(f"wrong type: {json_kind(entry)} where a completion is expected", name)
    annotations = entry.get("annotations")
    if not isinstance(annotations, dict):
        raise RowProblem("missing ratings: a completion without annotations", f"{name}.annotations")
    response = required_text(entry, ["response"], "response")
    found = {key: annotations[key] for key in _RATED if isinstance(annotations.get(key), dict)}
    ratings = {key: number_of(value.get("Rating"), f"{name}.annotations.{key}.Rating") for key, value in found.items()}
    known = {key: rating for key, rating in ratings.items() if rating is not None}
    if not known:
        raise RowProblem("missing ratings: no principle is rated", f"{name}.annotations")
    rationales = {key: optional_text(value, ["Rationale For Rating", "Rationale"]) for key, value in found.items()}
    return _Completion(response, known, {key: text for key, text in rationales.items() if text})


def _all(completions: list[_Completion]) -> list[tuple[_Completion, _Completion]]:
    return list(itertools.combinations(completions, 2))


def _best(completions: list[_Completion], instruction: str) -> list[tuple[_Completion, _Completion]]:
    best = max(completions, key=lambda one: one.score, default=None)
    others = [one for one in completions if one is not best]
    if best is None or not others:
        return []
    lower = [one for one in others if one.score < best.score] or others
    return [(best, lower[stable_seed("completion", instruction) % len(lower)])]


def _pair(instruction: str, one: _Completion, other: _Completion) -> Draft:
    """The better one first; of equal ones (a tie, which is rejected) the first."""
    chosen, rejected = (one, other) if one.score >= other.score else (other, one)
    opinions = {name: _opinion(name, chosen, rejected) for name in _RATED if name in chosen.ratings or name in rejected.ratings}
    turns = [{"role": "user", "content": instruction}]
    return Draft(turns, chosen.response, rejected.response, chosen.score, rejected.score, opinions)


def _opinion(name: str, chosen: _Completion, rejected: _Completion) -> Opinion:
    return Opinion(
        chosen.ratings.get(name), rejected.ratings.get(name), chosen.rationales.get(name), rejected.rationales.get(name)
    )
