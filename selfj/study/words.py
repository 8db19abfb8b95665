"""The findings of a study in sentences."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from selfj.evaluate.methods import TASK_MEAN
from selfj.evaluate.predictions import PredictedBy
from selfj.evaluate.report.formats import hundred

HOLDS, REVERSED, UNCLEAR = "holds", "the other way round", "cannot be told apart"


def names_of(methods: Sequence[PredictedBy]) -> dict[str, str]:
    """What each method is called where no heading says whether it sees the reference."""
    uses = Counter(method.title for method in methods)
    full = {
        method.name: f"{method.title} {'with' if method.with_reference else 'without'} reference"
        if uses[method.title] > 1
        else method.title
        for method in methods
    }
    return {**full, TASK_MEAN: "Task mean"}


def verdict(difference: Mapping[str, Any]) -> str:
    """Of an expected order: holds if the whole interval of the difference lies above zero; or why it could not be looked at."""
    low, high = difference["difference_low"], difference["difference_high"]
    if difference["difference"] is None:
        return str(difference["reason"] or "not measured")
    if low is None or high is None:
        return "no interval"
    return HOLDS if low > 0 else REVERSED if high < 0 else UNCLEAR


def headline(metrics: Mapping[str, Any]) -> str:
    """The judge with and without reference, in one sentence."""
    judge, reference = metrics["mean"].get("judge"), metrics["mean"].get("judge_reference")
    if judge is None or judge["pearson"] is None:
        why = judge["reason"] if judge else "no run has it"
        return f"The judge’s score without a reference has no correlation to report: {why}."
    seeing = f"; with the reference in view, {_value(reference)}" if reference and reference["pearson"] is not None else ""
    return f"Without a reference, the judge’s score reaches a Pearson correlation of {_value(judge)} with the gold{seeing}."


def _value(entry: Mapping[str, Any]) -> str:
    interval = "" if entry["low"] is None else f" ({hundred(entry['low'])} to {hundred(entry['high'])})"
    return hundred(entry["pearson"]) + interval


def beyond_the_task(metrics: Mapping[str, Any]) -> str:
    """What is left of the headline once the kind of task is known; empty without a task mean."""
    judge, known = metrics["mean"].get("judge"), metrics["mean_baselines"][TASK_MEAN]
    if not judge or judge["pearson"] is None or known["pearson"] is None:
        return ""
    within = judge["within_family"]["pearson"]
    inside = "" if within is None else f", and within a task family the judge’s correlation is {hundred(within)}"
    return f"Knowing only the task family reaches {hundred(known['pearson'])}{inside}."


def orders(metrics: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """How many of the expected orders hold, and which do not; empty if there are none."""
    expected = [difference for difference in metrics["differences"] if difference.get("expected", True)]
    verdicts = [(verdict(difference), difference) for difference in expected]
    counts = Counter(found for found, _ in verdicts)
    if not verdicts:
        return ""
    whole = f"Orders to expect that hold with their whole interval: {counts[HOLDS]} of {len(verdicts)}"
    others = [f"{_listed(verdicts, kind, names)} {phrase}" for kind, phrase in _PHRASES if counts[kind]]
    return f"{whole}; {'; '.join(others)}." if others else f"{whole}."


_NAMED = 3
"""So many orders are named, more are counted: the table has them all."""
_PHRASES = ((UNCLEAR, "cannot be told apart"), (REVERSED, "the other way round"))


def _listed(verdicts: Sequence[tuple[str, Mapping[str, Any]]], kind: str, names: Mapping[str, str]) -> str:
    pairs = [(names[order["better"]], names[order["worse"]]) for found, order in verdicts if found == kind]
    return ", ".join(f"{better} above {worse}" for better, worse in pairs) if len(pairs) <= _NAMED else str(len(pairs))
