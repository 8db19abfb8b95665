"""What a study asks of its runs: every statistic of every run, on resamples that all of them share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfj.evaluate.evaluation import ORDERS
from selfj.evaluate.methods import TASK_MEAN
from selfj.evaluate.metrics.measures import Gold, Scale
from selfj.evaluate.predictions import PredictedBy
from selfj.study.resampled import Asked, Resampled, SharedDraws, ask, mean
from selfj.study.results import Result, common_scale
from selfj.study.runs import CROSS
from selfj.study.settings import WITHOUT
from selfj.study.statistics import FURTHER, STATISTICS, WITHIN_FAMILY, all_gold, difference, of_method, risks

Key = tuple[str, ...]
"""("method", STATISTIC, METHOD), ("risk", COVERAGE, METHOD), ("difference", STATISTIC, BETTER, WORSE),
("category", CATEGORY, METHOD) or ("left_out", CATEGORY)."""
DIFFERENCES = ("pearson", "aurc")
"""Statistics whose differences are asked for."""


@dataclass
class Study:
    """All that was asked of all runs."""

    results: Sequence[Result]
    found: Sequence[dict[Key, Resampled]]
    """By run."""
    scale: Scale
    """Gold of the worst and of the best answer: what the losses of all runs are on."""

    @property
    def policies(self) -> list[str]:
        """In the order in which they first appear."""
        return list(dict.fromkeys(result.policy for result in self.results))

    @property
    def methods(self) -> list[PredictedBy]:
        """The rows of the table: those of any run, in table order; judges of other policies have a table of their own."""
        known = {method.name: method for result in reversed(self.results) for method in result.methods}
        longest = max(self.results, key=lambda result: len(result.methods))
        order = dict.fromkeys([method.name for method in longest.methods] + list(known))
        return [known[name] for name in order if not name.startswith((CROSS, WITHOUT))]

    def values(self, key: Key, policy: str | None = None) -> list[Resampled]:
        """What was found in each run (of one policy)."""
        none = Resampled(None, reason="the run has it not")
        pairs = zip(self.results, self.found, strict=True)
        return [found.get(key, none) for result, found in pairs if policy in (None, result.policy)]

    def of_policy(self, key: Key, policy: str) -> Resampled:
        """Mean over the seeds of one policy."""
        return mean(self.values(key, policy))

    def overall(self, key: Key) -> Resampled:
        """Mean over policies of the mean over their seeds."""
        return mean([self.of_policy(key, policy) for policy in self.policies])

    def by_seed(self, key: Key, policy: str | None = None) -> dict[int, float]:
        """Value of each seed that has one; over policies their mean, in seeds in which none of them is missing: else seeds would
        differ by which policies they have.
        """
        found: dict[int, list[float]] = {}
        for result, answers in zip(self.results, self.found, strict=True):
            value = answers[key].value if key in answers else None
            if value is not None and policy in (None, result.policy):
                found.setdefault(result.seed, []).append(value)
        complete = max(map(len, found.values()), default=0)
        return {seed: float(np.mean(values)) for seed, values in sorted(found.items()) if len(values) == complete}


def ask_all(results: Sequence[Result], resamples: int, seed: int) -> Study:
    """Ask every run everything that the table needs, on resamples that all runs share."""
    draws = SharedDraws([result.instruction_ids for result in results], resamples, seed)
    found, scale = [], common_scale(results)
    for result in results:
        print(f"study: metrics of {result.run}, {len(result):,} held-out answers", flush=True)
        gold = all_gold(result, scale)
        answers = ask(_asked(result, gold), draws.of(result.instruction_ids), draws.resamples)
        found.append({**answers, **_risks(result, gold)})
    return Study(results, found, scale)


def _risks(result: Result, gold: Gold) -> dict[Key, Resampled]:
    """Without resamples, as in each run's own report."""
    return {
        ("risk", f"{coverage:.1f}", method): Resampled(risk)
        for method in result.scores
        for coverage, risk in risks(result, gold, method).items()
    }


def _asked(result: Result, gold: Gold) -> dict[Key, Asked | str]:
    return {**_of_methods(result, gold), **_of_orders(result, gold), **_of_categories(result, gold)}


def _of_methods(result: Result, gold: Gold) -> dict[Key, Asked | str]:
    wanted = [(name, method) for name in (*STATISTICS, *FURTHER) for method in result.scores]
    # Within a family the task mean does not vary.
    wanted.remove((WITHIN_FAMILY, TASK_MEAN))
    return {("method", name, method): of_method(result, gold, name, method) for name, method in wanted}


def _of_orders(result: Result, gold: Gold) -> dict[Key, Asked | str]:
    orders = [*ORDERS, *against_outside(result.methods), *(("judge", name) for name in result.scores if name.startswith(CROSS))]
    known = [order for order in orders if set(order) <= set(result.scores)]
    return {("difference", name, *order): difference(result, gold, name, *order) for name in DIFFERENCES for order in known}


def against_outside(methods: Sequence[PredictedBy]) -> list[tuple[str, str]]:
    """The judge, and every judge from outside that sees no reference either (whichever is better)."""
    outside = [method.name for method in methods if method.outside and not method.with_reference]
    return [("judge", name) for name in outside if not name.startswith(CROSS)]


def _of_categories(result: Result, gold: Gold) -> dict[Key, Asked | str]:
    asked: dict[Key, Asked | str] = {}
    for category in np.unique(result.categories):
        where = result.categories == category
        for method in result.scores:
            asked["category", category, method] = of_method(result, gold, "pearson", method, where)
        if f"{WITHOUT}{category}" in result.scores:
            asked["left_out", category] = difference(result, gold, "pearson", "judge", f"{WITHOUT}{category}", where)
    return asked
