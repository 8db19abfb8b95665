"""All numbers of metrics.json: methods of each policy with intervals, baselines, paired differences, and what the steps did."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.config import Settings
from selfj.evaluate.accounting import reject_reasons, step_counts, variant_counts
from selfj.evaluate.best_of import best_of_n
from selfj.evaluate.entries import calibration_of, length_of, on_excluded
from selfj.evaluate.frame import Frame, flat, frame_of, rounded
from selfj.evaluate.gold import NO_GOLD, GoldSource, gold_source
from selfj.evaluate.methods import IN_QUALITY, TASK_MEAN, Method, Scores, methods_of
from selfj.evaluate.metrics.bootstrap import LEVEL
from selfj.evaluate.metrics.coverage import measure_all, scored_share
from selfj.evaluate.metrics.measures import (
    METRICS,
    Measured,
    as_gold,
    loss_in_words,
    measure,
    paired_difference,
    risk_at_coverages,
    within_groups,
)
from selfj.evaluate.rows import HeldOut, read_held_out
from selfj.run import RunFolder
from selfj.variants import variant_settings

ORDERS = (
    ("self_eval_plus_cosine", "cosine"),
    ("self_eval_plus_cosine", "self_eval_reference"),
    ("judge_reference", "self_eval_plus_cosine"),
    ("judge_reference", "judge"),
    ("judge", "ppl"),
    ("judge", "self_eval"),
    ("judge", TASK_MEAN),
    ("judge", "vro"),
    ("judge", "judge_cosine"),
    ("judge", "judge_self_eval"),
    ("judge", "judge_no_distillation"),
)
"""Which method should be above which, as far as the paper (or, for the task mean, good sense) says; for rows that are there."""


def orders_of(settings: Settings) -> list[tuple[str, str]]:
    """ORDERS, and the judge against each judge from outside that sees no reference either (whichever is better)."""
    return [*ORDERS, *(("judge", judge.name) for judge in settings.evaluate.judges if not judge.with_reference)]


def evaluate_tables(run: RunFolder, settings: Settings) -> dict[str, Any]:
    """Everything that goes into metrics.json, from the finished tables of a run.

    Raises RunFolderError if the tables are not finished, DataError if the gold cannot be used.
    """
    return metrics_of(read_held_out(run, gold_source(settings.evaluate), methods_of(settings)), run, settings)


def metrics_of(policies: list[HeldOut], run: RunFolder, settings: Settings) -> dict[str, Any]:
    """The same from rows of the test split that have been read with the methods of the settings."""
    source = gold_source(settings.evaluate)
    return {
        "policies": {held_out.policy: _policy(held_out, run, settings, source) for held_out in policies},
        "steps": step_counts(run),
        "variants": variant_counts(run, settings),
        "rejected_reasons": reject_reasons(run),
        "gold": source.description if source else "none",
        "seed": settings.seed,
        "interval": {"level": LEVEL, "resamples": settings.evaluate.bootstrap, "unit": "instruction"},
    }


def _policy(held_out: HeldOut, run: RunFolder, settings: Settings, source: GoldSource | None) -> dict[str, Any]:
    metrics = policy_metrics(held_out, settings)
    if settings.evaluate.best_of:
        metrics["best_of_n"] = best_of_n(run, settings, source, held_out.policy)
    return metrics


def policy_metrics(held_out: HeldOut, settings: Settings) -> dict[str, Any]:
    """Metrics of one policy: counts, every method, baselines, differences, categories."""
    frame, methods = frame_of(held_out, settings), methods_of(settings)
    names = {TASK_MEAN, *(method.name for method in methods)}
    print(f"report: metrics of {held_out.policy} on {len(held_out):,} held-out answers", flush=True)
    return {
        "methods": {method.name: _method(frame, method, settings) for method in methods},
        "baselines": {TASK_MEAN: method_metrics(frame, held_out.task_mean(), None)},
        "differences": [_difference(frame, *order) for order in orders_of(settings) if names.issuperset(order)],
        "categories": {category: _category(held_out, category) for category in _categories(held_out)},
        **_counts(frame),
    }


def _counts(frame: Frame) -> dict[str, Any]:
    held_out, known = frame.held_out, frame.judgeable
    return {
        "instructions": int(held_out.instructions.max()) + 1,
        "rows": len(held_out),
        "rows_with_gold": int(known.sum()),
        "without_gold_reasons": _reasons(held_out.gold_reasons, known),
        "mean_gold": rounded(float(held_out.gold[known].mean())) if known.any() else None,
        "mean_loss": rounded(float(frame.gold.loss[known].mean())) if known.any() else None,
        "loss": loss_in_words(frame.scale) if known.any() else None,
        "gold_scale": list(frame.scale) if known.any() else None,
        "gold_scale_of_this_run": bool(known.any()) and frame.scale_is_relative,
        "good": frame.threshold,
        "share_good": rounded(float(frame.gold.good[known].mean())) if frame.threshold is not None else None,
        "families": len(np.unique(held_out.families)),
    }


def _method(frame: Frame, method: Method, settings: Settings) -> dict[str, Any]:
    entry = method_metrics(frame, frame.held_out.scores[method.name], method)
    if method.name in settings.variants:
        excluded = variant_settings(settings, method.name).train.exclude_categories
        if excluded:
            entry["on_excluded"] = on_excluded(frame, method.name, excluded)
    return entry


def method_metrics(frame: Frame, scores: Scores, method: Method | None) -> dict[str, Any]:
    """All metrics of one method (None: a baseline), on the rows that it scored and that have gold."""
    scored = np.isfinite(scores.values)
    entry: dict[str, Any] = {
        "with_reference": method.with_reference if method else None,
        "scored": int(scored.sum()),
        "unscored": int((~scored).sum()),
        "scored_share": rounded(float(scored.mean())),
        "unscored_reasons": _reasons(scores.reasons, scored),
    }
    entry.update(_with_gold(frame, scores.values, scored & frame.judgeable))
    entry["length"] = length_of(frame, scores.values, scored)
    if method is not None and method.scale is not None:
        entry.update(calibration_of(frame, scores.values, scored & frame.judgeable, method.scale))
    if method is not None:
        entry["label_free"] = _label_free(frame, scores.values, scored & np.isfinite(frame.held_out.quality), method)
    return entry


def _with_gold(frame: Frame, values: NDArray[np.float64], rows: NDArray[np.bool_]) -> dict[str, Any]:
    if not frame.judgeable.any():
        return {"rows": 0, **dict.fromkeys(METRICS), "reasons": dict.fromkeys(METRICS, NO_GOLD)}
    known, scores, gold = frame.judgeable, values[rows], frame.gold.of(rows)
    measured = measure_all(values[known], frame.gold.of(known), frame.draws.of(known))
    entry: dict[str, Any] = {"rows": int(rows.sum()), "share_of_gold_scored": rounded(scored_share(values, known))}
    for name, value in measured.items():
        entry.update(flat(name, value))
    entry["reasons"] = {name: value.reason for name, value in measured.items() if value.reason}
    entry["within_family"] = _within_family(frame, scores, rows)
    entry["by_category"] = {category: _in_category(frame, values, rows, category) for category in _categories(frame.held_out)}
    risks = risk_at_coverages(scores, gold.loss) if len(scores) else {}
    entry["risk_at_coverage"] = {f"{coverage:.1f}": rounded(risk) for coverage, risk in risks.items()}
    return entry


def _within_family(frame: Frame, scores: NDArray[np.float64], rows: NDArray[np.bool_]) -> dict[str, Any]:
    _, families = np.unique(frame.held_out.families[rows], return_inverse=True)
    value, count = within_groups(scores, frame.gold.of(rows), families, frame.draws.of(rows))
    return {**flat("pearson", value), "families": count, "reason": value.reason}


def _in_category(frame: Frame, values: NDArray[np.float64], rows: NDArray[np.bool_], category: str) -> dict[str, Any]:
    chosen = rows & (frame.held_out.categories == category)
    value = measure("pearson", values[chosen], frame.gold.of(chosen), frame.draws.of(chosen))
    _, families = np.unique(frame.held_out.families[chosen], return_inverse=True)
    within, _ = within_groups(values[chosen], frame.gold.of(chosen), families)
    entry = {**flat("pearson", value), "within_family": rounded(within.value)}
    return {**entry, "rows": int(chosen.sum()), "reason": value.reason}


def _label_free(frame: Frame, values: NDArray[np.float64], rows: NDArray[np.bool_], method: Method) -> dict[str, Any]:
    """Pearson with the label-free quality: agreement with the judge's own training signal, not with the truth."""
    if method.name in IN_QUALITY:
        value = Measured(None, reason="the quality is made from it")
    else:
        value = measure("pearson", values[rows], as_gold(frame.held_out.quality[rows], np.inf), frame.draws.of(rows))
    return {**flat("pearson_with_quality", value), "rows": int(rows.sum()), "reason": value.reason}


def _difference(frame: Frame, better: str, worse: str) -> dict[str, Any]:
    first, second = (_values(frame.held_out, name) for name in (better, worse))
    rows = frame.judgeable & np.isfinite(first) & np.isfinite(second)
    value = risk = Measured(None, reason=NO_GOLD)
    if frame.judgeable.any():
        gold, draws = frame.gold.of(rows), frame.draws.of(rows)
        value, risk = (paired_difference(metric, first[rows], second[rows], gold, draws) for metric in ("pearson", "aurc"))
    found = {**flat("difference", value), **flat("aurc_difference", risk)}
    found["within_family_difference"] = _within_difference(frame, first, second, rows)
    return {"better": better, "worse": worse, "metric": "pearson", **found, "rows": int(rows.sum()), "reason": value.reason}


def _within_difference(
    frame: Frame, first: NDArray[np.float64], second: NDArray[np.float64], rows: NDArray[np.bool_]
) -> float | None:
    """Pearson within task families of one method less that of another, on the same rows; None where either has none."""
    _, families = np.unique(frame.held_out.families[rows], return_inverse=True)
    one, other = (within_groups(values[rows], frame.gold.of(rows), families)[0].value for values in (first, second))
    return None if one is None or other is None else rounded(one - other)


def _values(held_out: HeldOut, name: str) -> NDArray[np.float64]:
    return held_out.task_mean().values if name == TASK_MEAN else held_out.scores[name].values


def _categories(held_out: HeldOut) -> list[str]:
    return sorted(set(held_out.categories))


def _category(held_out: HeldOut, category: str) -> dict[str, Any]:
    rows = held_out.categories == category
    gold = held_out.gold[rows & held_out.has_gold]
    return {"rows": int(rows.sum()), "mean_gold": rounded(float(gold.mean())) if len(gold) else None}


def _reasons(reasons: list[str | None], fine: NDArray[np.bool_]) -> dict[str, int]:
    missing = (reason or "no reason given" for reason, good in zip(reasons, fine, strict=True) if not good)
    return dict(Counter(missing).most_common())
