"""What many tournaments come to: counts, and the mean grade of the winner by the number of responses that competed."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from selfj.contests.rows import Winner, bracket_of
from selfj.evaluate.data.scoring import flat, measured_mean
from selfj.evaluate.metrics.bootstrap import Resamples
from selfj.evaluate.metrics.measures import Draws
from selfj.evaluate.metrics.weighted import Floats
from selfj.selfjudge.tournament import Bracket

Grades = Sequence[float | None]
"""Of a contest's responses, in their order; None where one is not known."""


@dataclass
class Played:
    """Counts of many contests, and what their smaller tournaments gave."""

    contests: int = 0
    won: int = 0
    responses: int = 0
    matches: int = 0
    unjudged: int = 0
    ties: int = 0
    flips: int = 0
    """Matches whose verdict changes with the order, of those judged in both."""
    judged_in_both_orders: int = 0
    grades: list[dict[int, float]] = field(default_factory=list)
    """Of each contest whose responses all have a grade: size of a tournament → mean grade of the winners of such ones in it."""

    def add(self, winner: Winner, grades: Grades | None = None) -> None:
        """Count one contest."""
        bracket = bracket_of(winner.bracket)
        both = [match.verdict.flips for match in bracket.matches if match.verdict.flips is not None]
        self.contests += 1
        self.won += winner.winner is not None
        self.responses += winner.responses
        self.matches += winner.matches
        self.unjudged += winner.unjudged
        self.ties += winner.ties
        self.flips += sum(both)
        self.judged_in_both_orders += len(both)
        known = [grade for grade in grades or () if grade is not None]
        if winner.winner is not None and len(known) == winner.responses:
            self.grades.append(grades_by_size(bracket, known))

    def as_dict(self, resamples: int, seed: int) -> dict[str, Any]:
        """Counts, `flip_rate`, and `by_size`: mean grade with its interval, and how much above that of one response."""
        counts = {item.name: getattr(self, item.name) for item in dataclasses.fields(self) if item.name != "grades"}
        rate = self.flips / self.judged_in_both_orders if self.judged_in_both_orders else None
        return {**counts, "flip_rate": rate, "by_size": by_size(self.grades, resamples, seed)}


def grades_by_size(bracket: Bracket, grades: Sequence[float]) -> dict[int, float]:
    """Size of a tournament → mean grade of the winners of all tournaments of that size in the bracket."""
    found = {size: bracket.winners_of(size) for size in range(1, len(bracket.entrants) + 1)}
    return {size: float(np.mean([grades[place] for place in places])) for size, places in found.items() if places}


def by_size(grades: Sequence[dict[int, float]], resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    """For each power of two: mean grade of its winners over the contests that have it, and the gain over single responses.

    Intervals are from resampling contests.
    """
    most = max((max(found) for found in grades), default=0)
    sizes = [1 << power for power in range(most.bit_length())]
    return {str(size): _of_size(size, [found for found in grades if size in found], resamples, seed) for size in sizes}


def _of_size(size: int, grades: Sequence[dict[int, float]], resamples: int, seed: int) -> dict[str, Any]:
    values = np.array([found[size] for found in grades])
    gains = values - np.array([found[1] for found in grades])
    entry: dict[str, Any] = {"contests": len(values)}
    for name, column in (("grade", values), ("gain", gains)):
        entry |= flat(name, measured_mean(_mean_of(column), len(column), _draws(len(column), resamples, seed)))
    return entry


def _mean_of(column: Floats) -> Any:
    return lambda weights: weights @ column / weights.sum(axis=1)


def _draws(rows: int, resamples: int, seed: int) -> Draws:
    return Draws(Resamples(rows, resamples, seed), np.arange(rows))
