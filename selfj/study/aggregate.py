"""metrics.json of a study: every method per policy (mean over seeds) and over all policies, with intervals and spread."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from selfj.evaluate.evaluation import ORDERS
from selfj.evaluate.methods import TASK_MEAN
from selfj.evaluate.metrics.bootstrap import LEVEL
from selfj.evaluate.metrics.measures import COVERAGES, loss_in_words
from selfj.evaluate.metrics.reliability import debiased
from selfj.evaluate.predictions import PredictedBy
from selfj.study.asking import Key, Study, against_outside
from selfj.study.best_of_n import mean_best_of_n
from selfj.study.resampled import Resampled, mean
from selfj.study.results import Result
from selfj.study.runs import CROSS
from selfj.study.settings import WITHOUT
from selfj.study.statistics import ALL_ROWS, CALIBRATION, LENGTH, STATISTICS, WITHIN_FAMILY


def study_metrics(study: Study, seeds: Sequence[int], resamples: int) -> dict[str, Any]:
    """All numbers of a study. Keys of every method: as in a run's metrics.json."""
    names = [method.name for method in study.methods]
    return {
        "policies": {policy: _policy(study, policy, names) for policy in study.policies},
        "rows": sum(map(len, study.results)),
        "instructions": _instructions(study.results),
        "mean": {name: _mean_entry(study, name) for name in names},
        "mean_baselines": {TASK_MEAN: _mean_entry(study, TASK_MEAN)},
        "differences": _differences(study, study.overall, None),
        "categories": _categories(study, names),
        "best_of_n": mean_best_of_n(study.results),
        "cross": _cross(study),
        "left_out": _left_out(study),
        "loss": loss_in_words(study.scale),
        "gold_scale": list(study.scale),
        "gold_scale_of_these_runs": any(result.scale != study.scale for result in study.results),
        "seeds": list(seeds),
        "interval": {"level": LEVEL, "resamples": resamples, "unit": "instruction, shared by all runs and methods"},
    }


def _policy(study: Study, policy: str, names: Iterable[str]) -> dict[str, Any]:
    results = [result for result in study.results if result.policy == policy]
    return {
        "runs": [result.run for result in results],
        "rows": sum(len(result) for result in results),
        "instructions": _instructions(results),
        "mean_gold": _mean_gold(results),
        "methods": {name: _entry(study, name, policy) for name in names},
        "baselines": {TASK_MEAN: _entry(study, TASK_MEAN, policy)},
        "differences": _differences(study, lambda key: study.of_policy(key, policy), policy),
        "best_of_n": mean_best_of_n(results),
    }


def _instructions(results: Sequence[Result]) -> int:
    """Different instructions in some runs: policies of one seed were asked the same ones."""
    return len(np.unique(np.concatenate([result.instruction_ids for result in results]).astype(str)))


def _mean_gold(results: Sequence[Result]) -> float | None:
    known = [float(result.gold[result.rows()].mean()) for result in results if result.rows().any()]
    return round(float(np.mean(known)), 6) if known else None


def _entry(study: Study, method: str, policy: str | None) -> dict[str, Any]:
    """Every statistic of one method, of one policy or (None) over all."""

    def found(*key: str) -> Resampled:
        whole = (*key, method)
        return study.overall(whole) if policy is None else study.of_policy(whole, policy)

    entry = next((_described(known) for known in study.methods if known.name == method), {})
    for name in (*STATISTICS, ALL_ROWS):
        of_this = found("method", name)
        if name == WITHIN_FAMILY:
            entry[name] = of_this.entry("pearson")
        else:
            entry.update(of_this.entry(name))
            if name == "pearson":
                entry["reason"] = of_this.reason
    entry["length"] = {key: value for name in LENGTH for key, value in found("method", name).entry(name).items()}
    shares = [f"{coverage:.1f}" for coverage in COVERAGES]
    entry["risk_at_coverage"] = {share: found("risk", share).entry("risk")["risk"] for share in shares}
    entry.update(_calibration(found("method", CALIBRATION)))
    return {**entry, **_coverage(study, method, policy), **_spread(study, method, policy)}


def _calibration(found: Resampled) -> dict[str, float | None]:
    """The mean of the runs' errors, and less what chance adds; percentiles of resamples would be no interval of it."""
    less = None if found.value is None or found.draws is None else round(debiased(found.value, found.draws), 6)
    return {CALIBRATION: None if found.value is None else round(found.value, 6), f"{CALIBRATION}_debiased": less}


def _coverage(study: Study, method: str, policy: str | None) -> dict[str, Any]:
    """How many answers the method scored in the runs that have it, and the share of those with gold that figures are about."""
    of_policy = (result for result in study.results if policy in (None, result.policy))
    results = [result for result in of_policy if method in result.scores]
    scored = sum(int(np.isfinite(result.scores[method]).sum()) for result in results)
    known = sum(int(result.rows().sum()) for result in results)
    share = round(sum(int(result.rows(method).sum()) for result in results) / known, 6) if known else None
    return {"scored": scored, "unscored": sum(map(len, results)) - scored, "share_of_gold_scored": share}


def _described(method: PredictedBy) -> dict[str, Any]:
    return {"title": method.title, "with_reference": method.with_reference, "paper": method.paper}


def _spread(study: Study, method: str, policy: str | None) -> dict[str, Any]:
    """Pearson seed by seed, its standard deviation, and in how many runs there is one."""
    key = ("method", "pearson", method)
    seeds = study.by_seed(key, policy)
    runs = study.values(key, policy)
    return {
        "pearson_by_seed": {str(seed): round(value, 6) for seed, value in seeds.items()},
        "pearson_sd": round(float(np.std(list(seeds.values()), ddof=1)), 6) if len(seeds) > 1 else None,
        "runs": sum(value.value is not None for value in runs),
        "runs_in_all": len(runs),
    }


def _mean_entry(study: Study, method: str) -> dict[str, Any]:
    entry = _entry(study, method, None)
    return {"pearson": entry["pearson"], "low": entry["pearson_low"], "high": entry["pearson_high"], **entry}


def _differences(study: Study, found: Callable[[Key], Resampled], policy: str | None) -> list[dict[str, Any]]:
    asked = {key for answers in study.found for key in answers}
    orders = [*ORDERS, *against_outside(study.methods)]
    return [
        {"better": order[0], "worse": order[1], "expected": order in ORDERS, **_both_differences(study, order, found, policy)}
        for order in orders
        if ("difference", "pearson", *order) in asked
    ]


def _both_differences(
    study: Study, order: tuple[str, str], found: Callable[[Key], Resampled], policy: str | None
) -> dict[str, Any]:
    """Of Pearson, and of AURC, where less is better."""
    key = ("difference", "pearson", *order)
    return {**_difference(study, key, found(key), policy), **found(("difference", "aurc", *order)).entry("aurc_difference")}


def _difference(study: Study, key: Key, value: Resampled, policy: str | None) -> dict[str, Any]:
    runs = [found.value for found in study.values(key, policy) if found.value is not None]
    counts = {"holds_in": sum(run > 0 for run in runs), "runs": len(runs)}
    return {**value.entry("difference"), **counts, "reason": value.reason}


def _categories(study: Study, names: Iterable[str]) -> dict[str, Any]:
    categories = sorted({str(category) for result in study.results for category in result.categories})
    return {
        category: {name: study.overall(("category", category, name)).entry("pearson") for name in [*names, TASK_MEAN]}
        for category in categories
    }


def _cross(study: Study) -> list[dict[str, Any]]:
    """Each policy's answers scored by every other policy's judge: what a foreign judge costs."""
    rows = []
    for policy in study.policies:
        for other in study.policies:
            name = f"{CROSS}{other}"
            foreign = study.of_policy(("method", "pearson", name), policy)
            if foreign.value is not None:
                key = ("difference", "pearson", "judge", name)
                lost = _difference(study, key, study.of_policy(key, policy), policy)
                own = _own(study, policy, name).entry("own")
                rows.append({"policy": policy, "judge": other, **own, **foreign.entry("pearson"), **lost})
    return rows


def _own(study: Study, policy: str, other: str) -> Resampled:
    """Pearson of the policy's own judge, over the runs in which the other one judged too."""
    own, others = (study.values(("method", "pearson", name), policy) for name in ("judge", other))
    return mean([value for value, there in zip(own, others, strict=True) if there.value is not None])


def _left_out(study: Study) -> list[dict[str, Any]]:
    """Pearson on a category of the judge that learnt it and of the judge that did not."""
    categories = sorted({key[1] for answers in study.found for key in answers if key[0] == "left_out"})
    rows = []
    for category in categories:
        full = study.overall(("category", category, "judge"))
        without = study.overall(("category", category, f"{WITHOUT}{category}"))
        key = ("left_out", category)
        lost = _difference(study, key, study.overall(key), None)
        rows.append({"category": category, "full": full.entry("pearson"), "without": without.entry("pearson"), **lost})
    return rows
