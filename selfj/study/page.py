"""The study as one HTML file that works offline, and as Markdown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfj import __version__
from selfj.evaluate.methods import TASK_MEAN
from selfj.evaluate.metrics.measures import COVERAGES
from selfj.evaluate.predictions import PredictedBy
from selfj.evaluate.report import rendering
from selfj.evaluate.report.charts import Chart
from selfj.evaluate.report.drawings import Picks, best_of_n
from selfj.evaluate.report.styles import Style, styles_of
from selfj.evaluate.report.titles import PaperRow, not_run
from selfj.evaluate.report.view import PICKERS
from selfj.progress import duration
from selfj.study import words

_SECTIONS = {
    "table": "The paper’s table",
    "orders": "The order that a faithful implementation shows",
    "best-of-n": "Best of N",
    "cross": "The judge of one policy on another’s answers",
    "unseen": "On a kind of task that it never saw",
    "metrics": "All metrics",
    "risk": "Risk at each coverage",
    "length": "Does it only reward length?",
    "categories": "By category",
    "runs": "Runs",
    "terms": "How to read it",
    "settings": "Settings",
}
"""Id and title of each part of the page."""
_WHERE_MEASURED = {"best-of-n": "best_of_n", "cross": "cross", "unseen": "left_out"}
"""Sections that are shown only where metrics.json has something for them."""


@dataclass(frozen=True)
class RunRow:
    """One run as the page lists it."""

    name: str
    policy: str
    seed: int
    problem: str | None
    """Why it is missing."""
    instructions: int | None = None
    answers: int | None = None
    mean_gold: float | None = None
    seconds: float | None = None
    report: str | None = None
    """Link to its own report, from the study's."""


@dataclass(frozen=True)
class Page:
    """All that the page shows."""

    title: str
    metrics: Mapping[str, Any]
    methods: Sequence[PredictedBy]
    runs: Sequence[RunRow]
    gold: str
    what_a_seed_changes: str
    settings_text: str

    @property
    def names(self) -> dict[str, str]:
        """What each method is called in sentences."""
        return words.names_of(self.methods)

    @property
    def sentences(self) -> list[str]:
        """The headline, then what qualifies it."""
        metrics = self.metrics
        found = [words.headline(metrics), words.beyond_the_task(metrics), words.orders(metrics, self.names)]
        return [sentence for sentence in found if sentence]

    @property
    def columns(self) -> list[tuple[str, str, Mapping[str, float | None]]]:
        """Beside the mean: a column for each policy, or, with one policy, for each seed; title, what it is, Pearson by method."""
        policies = self.metrics["policies"]
        if len(policies) > 1:
            return [(name, "policy", _pearson(entry)) for name, entry in policies.items()]
        (entry,) = policies.values()
        rows = {**entry["methods"], **entry["baselines"]}
        seeds = [str(run.seed) for run in self.runs if run.problem is None]
        return [(seed, "seed", {name: row["pearson_by_seed"].get(seed) for name, row in rows.items()}) for seed in seeds]

    @property
    def rows(self) -> dict[str, Mapping[str, Any]]:
        """The mean of every method and of the baseline."""
        return {**self.metrics["mean"], **self.metrics["mean_baselines"]}

    @property
    def coverages(self) -> list[str]:
        """Shares of instructions answered that risks are given for."""
        return [f"{coverage:.1f}" for coverage in COVERAGES]

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Id and title of the parts that have something to show."""
        return [(key, title) for key, title in _SECTIONS.items() if self.metrics.get(_WHERE_MEASURED.get(key, "policies"))]

    @property
    def axis_low(self) -> float:
        """Where the axis of correlations begins: 0, or lower if something lies below."""
        found = [value for row in self.rows.values() for value in (row["low"], *row["pearson_by_seed"].values())]
        return min(0.0, math.floor(10 * min((value for value in found if value is not None), default=0.0)) / 10)

    def place(self, value: float) -> str:
        """Where a correlation lies on that axis, in percent of its width."""
        share = (value - self.axis_low) / (1 - self.axis_low)
        return f"{100 * min(max(share, 0.0), 1.0):.2f}%"

    def not_run(self, with_reference: bool) -> list[PaperRow]:
        """Rows that only the paper has."""
        return not_run(self.methods, with_reference)

    @property
    def missing(self) -> list[RunRow]:
        """Runs that the table lacks."""
        return [run for run in self.runs if run.problem is not None]


def _pearson(policy: Mapping[str, Any]) -> dict[str, float | None]:
    return {name: entry["pearson"] for name, entry in {**policy["methods"], **policy["baselines"]}.items()}


def html(page: Page) -> str:
    """The page; every text from data is escaped."""
    return _render("study.html.jinja", page, escape=True)


def markdown(page: Page) -> str:
    """The paper's table and the expected orders as Markdown."""
    return _render("table.md.jinja", page, escape=False)


def _render(template: str, page: Page, *, escape: bool) -> str:
    shown = curve(page.metrics) if escape else None
    return str(
        environment(escape=escape)
        .get_template(template)
        .render(
            page=page,
            metrics=page.metrics,
            styles=styles_of([*(method.name for method in page.methods), TASK_MEAN]),
            curve=shown,
            pickers=_pickers(page.metrics),
            task_mean=TASK_MEAN,
            version=__version__,
        )
    )


def environment(*, escape: bool = True, **filters: Any) -> Any:
    """Templates of studies and of the report, with the report's ways to write numbers; `filters` are further ones."""
    return rendering.environment("selfj.study", escape=escape, duration=duration, verdict=words.verdict, **filters)


def curve(metrics: Mapping[str, Any]) -> Chart | None:
    """The best-of-N curve of all pickers, or None if no run has one."""
    found = metrics["best_of_n"]
    return best_of_n("best-of-n", [_picks(name, found["picks"]) for name in _pickers(metrics)]) if found else None


def _pickers(metrics: Mapping[str, Any]) -> dict[str, tuple[str, Style]]:
    """Words and style of the ways to pick that have a value for every N."""
    points = (metrics["best_of_n"] or {"picks": {}})["picks"].values()
    return {
        name: shown for name, shown in PICKERS.items() if all(point.get(name, {}).get("value") is not None for point in points)
    }


def _picks(name: str, picks: Mapping[str, Any]) -> Picks:
    values, low, high = ([point[name][key] for point in picks.values()] for key in ("value", "low", "high"))
    known = None not in low and None not in high
    return Picks(PICKERS[name][1], [int(size) for size in picks], values, low if known else None, high if known else None)
