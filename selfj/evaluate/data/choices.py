"""Choices among several answers, of which one is right (RewardBench 2's best of 4): how often a method scores it highest."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from selfj.collect.fields import checked_text
from selfj.collect.formats import RowProblem
from selfj.errors import DataError
from selfj.evaluate.data.reading import Columns, Place, Values, instruction_of, read_rows
from selfj.evaluate.data.scorers import Scorer
from selfj.evaluate.data.scoring import Resampling, ScoredColumn, flat, measured_mean
from selfj.evaluate.metrics.measures import Draws
from selfj.evaluate.metrics.weighted import Floats
from selfj.rating import Question
from selfj.records import Rejected

TIES = "ties"
"""RewardBench 2's subset whose prompts have several right answers, or belong to a prompt that has."""


@dataclass(frozen=True)
class Choice:
    """Several answers to one instruction."""

    place: Place
    instruction: str
    answers: tuple[str, ...]
    """The right ones first, then the wrong ones; at least one of each."""
    right: int
    """How many are right."""

    @property
    def single(self) -> bool:
        """Whether it is a choice of one right answer; those of RewardBench 2's subset Ties belong to others that have several."""
        return self.right == 1 and self.place.category.lower() != TIES


@dataclass
class ChoiceScores:
    """One method's scores of the answers of each choice."""

    scorer: Scorer
    scores: list[Floats]
    """Of each choice (answers,); NaN where there is none."""
    missing: dict[str, int]
    """How many answers have no score, by reason."""

    @property
    def results(self) -> Floats:
        """(choices,) what each brings: 1 if the first answer alone has the highest score, 1/k if it shares it with k - 1 others,
        else 0; 0 also where an answer has no score, so that no score is better than a wrong one.
        """
        return np.array([_result(scores) for scores in self.scores], dtype=np.float64)


def _result(scores: Floats) -> float:
    if not np.isfinite(scores).all() or scores[0] < scores.max():
        return 0.0
    return 1.0 / float((scores == scores.max()).sum())


def read_choices(path: str, columns: Columns, limit: int | None = None) -> tuple[list[Choice], list[Rejected]]:
    """The choices of a file, folder or `hf://` address (lists in `columns.first` and `second`), and the rows that are none.

    Raises DataError if nothing can be read, or if not one row is a choice.
    """
    return read_rows(path, limit, lambda place, values: _choice(place, values, columns), columns)


def _choice(place: Place, values: Values, columns: Columns) -> Choice:
    right, wrong = (_texts(values, names) for names in (columns.first, columns.second))
    return Choice(place, instruction_of(values, columns), (*right, *wrong), len(right))


def _texts(values: Values, names: Sequence[str]) -> list[str]:
    name = next((name for name in names if values.get(name) is not None), names[0])
    found = values.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(text, str) for text in found):
        raise RowProblem(f"wrong type: a list of answers is expected, this is {str(found)[:40]!r}", name)
    return [checked_text(text, name) for text in found]


def questions_of(choices: Sequence[Choice]) -> list[Question]:
    """All answers of all choices: each is judged by itself."""
    return [Question(choice.instruction, answer, None) for choice in choices for answer in choice.answers]


def by_choice(choices: Sequence[Choice], column: ScoredColumn) -> ChoiceScores:
    """The scores of `questions_of`, put back into choices."""
    ends = np.cumsum([len(choice.answers) for choice in choices])[:-1]
    return ChoiceScores(column.scorer, np.split(column.scores.values, ends), column.missing)


def choice_metrics(choices: Sequence[Choice], scored: Sequence[ChoiceScores], resampling: Resampling) -> dict[str, Any]:
    """Accuracy of every method, with intervals over instructions, on the choices of one right answer; the others are counted.

    Raises DataError if there are none.
    """
    rows = [row for row, choice in enumerate(choices) if choice.single]
    if not rows:
        raise DataError("no row is a choice of one right answer")
    single = [choices[row] for row in rows]
    draws = resampling.draws(choices).of(np.array(rows, dtype=np.intp))
    chance = np.array([1 / len(choice.answers) for choice in single])
    return {
        "kind": "choices",
        "rows": len(single),
        "several_right": len(choices) - len(single),
        "instructions": len(np.unique(draws.instructions)),
        "chance": float(chance.mean()),
        "methods": {item.scorer.name: _method(single, item, rows, draws) for item in scored},
    }


def _method(single: Sequence[Choice], item: ChoiceScores, rows: Sequence[int], draws: Draws) -> dict[str, Any]:
    results, there = item.results[rows], np.array([np.isfinite(item.scores[row]).all() for row in rows], dtype=bool)
    value = measured_mean(partial(_mean, results), len(results), draws)
    return {
        "title": item.scorer.title,
        "with_reference": item.scorer.with_reference,
        "rows": len(results),
        "scored": int(there.sum()),
        "unscored": int((~there).sum()),
        "unscored_reasons": item.missing,
        **flat("accuracy", value),
        "by_subset": subset_means([choice.place.category for choice in single], results),
    }


def _mean(values: Floats, weights: Floats) -> Floats:
    return weights @ values / weights.sum(axis=1)


def subset_means(subsets: Sequence[str], results: Floats) -> dict[str, float]:
    """Mean result of each subset."""
    names, numbers = np.unique([subset or "all" for subset in subsets], return_inverse=True)
    means = np.bincount(numbers, results) / np.bincount(numbers)
    return {str(name): float(mean) for name, mean in zip(names, means, strict=True)}
