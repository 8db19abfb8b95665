"""Two runs side by side: every method of both, and the difference with an interval that is paired as far as it can be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj import __version__
from selfj.columns import aligned
from selfj.errors import DataError
from selfj.evaluate.methods import TASK_MEAN
from selfj.evaluate.metrics.bootstrap import LEVEL
from selfj.evaluate.metrics.measures import Gold
from selfj.evaluate.predictions import PredictedBy
from selfj.evaluate.report.formats import DASH, decimal, decimal_interval, hundred, hundred_interval
from selfj.run import TABLES_OF_STEP, RunFolder
from selfj.study.pairing import IN_WORDS, Pair, pair
from selfj.study.resampled import Asked, Resampled, SharedDraws, ask, minus
from selfj.study.results import Result, common_scale, read_results
from selfj.study.statistics import STATISTICS, WITHIN_FAMILY, all_gold, of_method
from selfj.study.words import names_of

HUNDREDS = ("pearson", "spearman", WITHIN_FAMILY)
"""Statistics that are written × 100."""


@dataclass(frozen=True)
class Comparison:
    """One policy of one run beside one policy of another."""

    first: str
    second: str
    """Names of the runs; with the policy where that differs."""
    pair: Pair
    methods: Sequence[PredictedBy]
    figures: dict[str, dict[str, dict[str, Any]]]
    """method → statistic → first, second, difference (second less first), each with `_low` and `_high`; rows of both; reason."""
    changes: Sequence[str] | None
    """Settings that differ, in words; None where the runs do not tell."""
    resamples: int

    @property
    def names(self) -> dict[str, str]:
        """What each method is called."""
        return names_of(self.methods)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "first": self.first,
            "second": self.second,
            "paired_by": self.pair.kind,
            "pairing": IN_WORDS[self.pair.kind],
            "left_out": list(self.pair.left_out),
            "answers": [len(self.pair.first), len(self.pair.second)],
            "good": self.pair.first.good,
            "methods": self.figures,
            "settings": self.changes,
            "interval": {"level": LEVEL, "resamples": self.resamples, "unit": "instruction"},
        }


def compare_runs(first: str, second: str, resamples: int = 1000, seed: int = 0) -> list[Comparison]:
    """Each policy that both runs have; if they have one each, these two whatever their names.

    Raises DataError if a run has no predictions, or no policy matches.
    """
    mine, theirs = read_results(first), read_results(second)
    pairs = [(one, other) for one in mine for other in theirs if one.policy == other.policy]
    if not pairs and len(mine) == len(theirs) == 1:
        pairs = [(mine[0], theirs[0])]
    if not pairs:
        known = ["; ".join(result.policy for result in results) for results in (mine, theirs)]
        raise DataError(f"{first} and {second} have no policy in common ({known[0]} and {known[1]})")
    changes = changed_settings(RunFolder(first), RunFolder(second))
    return [_compare(one, other, changes, resamples, seed) for one, other in pairs]


def changed_settings(first: RunFolder, second: RunFolder) -> list[str] | None:
    """Settings that tables of the two runs were made with and that differ: `sample.temperature: 1.0 → 0.8`.

    None if the two have no table with a manifest in common.
    """
    found: dict[str, None] = {}
    known = False
    for name in (name for names in TABLES_OF_STEP.values() for name in names):
        one, other = first.table(name).manifest(), second.table(name).manifest()
        if one and other:
            known = True
            found |= dict.fromkeys(one.fingerprint.changes(other.fingerprint))
    return [change for change in found if not change.startswith("inputs.")] if known else None


def _compare(one: Result, other: Result, changes: Sequence[str] | None, resamples: int, seed: int) -> Comparison:
    found = _with_one_threshold(pair(one, other))
    named = {method.name: method for method in (*other.methods, *one.methods)}
    names = _labels(one, other)
    longest = sorted((one, other), key=lambda result: -len(result.methods))
    order = [*dict.fromkeys(method.name for result in longest for method in result.methods), TASK_MEAN]
    figures = _figures(found, order, resamples, seed)
    return Comparison(*names, found, [named[name] for name in order if name in named], figures, changes, resamples)


def _with_one_threshold(found: Pair) -> Pair:
    """Good is what is good in the first run: the median of each would be another question to each."""
    good = found.second.good if found.first.good is None else found.first.good
    return replace(found, first=replace(found.first, good=good), second=replace(found.second, good=good))


def _labels(one: Result, other: Result) -> tuple[str, str]:
    if one.policy != other.policy or one.run == other.run:
        return f"{one.run} ({one.policy})", f"{other.run} ({other.policy})"
    return one.run, other.run


def _figures(found: Pair, order: Sequence[str], resamples: int, seed: int) -> dict[str, dict[str, dict[str, Any]]]:
    ids = _instruction_ids(found)
    draws = SharedDraws(ids, resamples, seed)
    rows = {method: _rows(found, method) for method in order}
    both = []
    scale = common_scale((found.first, found.second))
    for number, result in enumerate((found.first, found.second)):
        asked = _asked(result, all_gold(result, scale), {method: masks[number] for method, masks in rows.items()})
        both.append(ask(asked, draws.of(ids[number]), draws.resamples))
    counts = {method: [int(mask.sum()) for mask in masks] for method, masks in rows.items()}
    return {
        method: {name: {**_figure(*(answers[name, method] for answers in both)), "rows": counts[method]} for name in STATISTICS}
        for method in order
    }


def _instruction_ids(found: Pair) -> list[NDArray[np.object_]]:
    """Of both runs; of runs that are independent no two are the same."""
    ids = [found.first.instruction_ids, found.second.instruction_ids]
    if found.kind == "independent":
        return [np.array([f"{number} {key}" for key in keys], dtype=object) for number, keys in enumerate(ids)]
    return ids


def _rows(found: Pair, method: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Scored rows with gold of each; of the same answers those that both runs scored, if both have the method."""
    one, other = found.first.rows(method), found.second.rows(method)
    if found.kind == "answers" and method in found.first.scores and method in found.second.scores:
        return one & other, one & other
    return one, other


def _asked(result: Result, gold: Gold, rows: dict[str, NDArray[np.bool_]]) -> dict[tuple[str, str], Asked | str]:
    return {(name, method): of_method(result, gold, name, method, where) for method, where in rows.items() for name in STATISTICS}


def _figure(one: Resampled, other: Resampled) -> dict[str, Any]:
    change = minus(other, one)
    figure = {**one.entry("first"), **other.entry("second"), **change.entry("difference")}
    return {**figure, "reason": change.reason}


def comparison_text(comparison: Comparison, statistic: str = "pearson") -> str:
    """The comparison for a terminal."""
    as_text = hundred if statistic in HUNDREDS else decimal
    title = statistic.replace("_", " ") + (" × 100" if statistic in HUNDREDS else "")
    head = (title, "", comparison.first, comparison.second, "difference", "scored", "")
    lines = [_line(comparison, name, figures[statistic], as_text) for name, figures in comparison.figures.items()]
    first, second = comparison.pair.first, comparison.pair.second
    return "\n".join(
        [
            f"{comparison.first} → {comparison.second}: {len(first):,} and {len(second):,} answers",
            IN_WORDS[comparison.pair.kind],
            "",
            *aligned([head, *lines], left=2),
            "",
            *_changes_text(comparison.changes),
        ]
    )


def _line(comparison: Comparison, name: str, figure: dict[str, Any], as_text: Any) -> tuple[str, ...]:
    cells = [_cell(figure, side, as_text) for side in ("first", "second", "difference")]
    return (comparison.names[name], "", *cells, rows_in_words(figure), change_in_words(figure))


def _cell(figure: dict[str, Any], side: str, as_text: Any) -> str:
    interval = (hundred_interval if as_text is hundred else decimal_interval)(figure, side)
    return as_text(figure[side]) + (f" ({interval})" if interval else "")


def rows_in_words(figure: dict[str, Any]) -> str:
    """How many answers a figure is about: of both runs, or of each where they are not equally many."""
    first, second = figure["rows"]
    return f"{first:,}" if first == second else f"{first:,} and {second:,}"


def change_in_words(figure: dict[str, Any]) -> str:
    """Which way the difference goes, if it can be told: higher, lower, or neither; or why there is none."""
    low, high = figure["difference_low"], figure["difference_high"]
    if figure["difference"] is None:
        return str(figure["reason"] or DASH)
    if low is None or low <= 0 <= high:
        return "cannot be told apart"
    return "higher" if low > 0 else "lower"


def _changes_text(changes: Sequence[str] | None) -> list[str]:
    if changes is None:
        return ["settings: not known, the runs' tables are not there"]
    if not changes:
        return ["settings: the same, as far as the tables tell"]
    return ["settings that differ:", *(f"  {change}" for change in changes)]


def comparison_html(comparisons: Sequence[Comparison]) -> str:
    """The comparison as one HTML file that works offline."""
    from selfj.study.page import environment

    made = environment(reach=_reach, change_in_words=change_in_words, rows_in_words=rows_in_words)
    others = [name for name in STATISTICS if name != "pearson"]
    return str(
        made.get_template("compare.html.jinja").render(
            comparisons=comparisons, pairing=IN_WORDS, others=others, hundreds=HUNDREDS, task_mean=TASK_MEAN, version=__version__
        )
    )


def _reach(comparison: Comparison) -> float:
    """Half the width of the axis of differences: the farthest end of an interval, at least 0.01."""
    figures = [entry["pearson"] for entry in comparison.figures.values()]
    ends = [
        abs(entry[f"difference_{end}"]) for entry in figures for end in ("low", "high") if entry["difference_low"] is not None
    ]
    return max([0.01, *ends])
