"""The SELF-JUDGE report: one HTML file that works offline."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from selfj import __version__
from selfj.evaluate.report.formats import decimal, percent
from selfj.study.page import environment
from selfj.study.selfjudge.drawings import judge_in_training, learning_curves, style_of, tournament_curve
from selfj.study.selfjudge.settings import SFT, START

TITLES = {
    SFT: ("SFT", "no judge examples"),
    START: ("JSFT", "the start of all below"),
    "offline": ("Offline DPO", "on the data’s own pairs"),
    "off_policy": ("Off-policy", "the start’s answers, judged once"),
    "on_policy": ("On-policy", "the policy’s own answers, frozen judge"),
    "moving_judge": ("Moving judge", "on-policy, judged by the policy itself"),
}
"""Of the paper's ways of learning: a name, and what it learns from."""
PAPER = {SFT: 24.75, "offline": 28.57, "off_policy": 32.03, "on_policy": 44.88, "moving_judge": 42.38}
"""AlpacaEval of these rows in the paper (METHOD.md B; the three in the middle with the same judge)."""
_SECTIONS = {
    "table": "The paper’s comparison",
    "orders": "The order to expect",
    "judge": "The judge",
    "curves": "Learning curves",
    "tournament": "Tournaments among N answers",
    "people": "Beside people",
    "memory": "Memory",
    "runs": "Runs",
    "terms": "How to read it",
    "settings": "Settings",
}


@dataclass(frozen=True)
class Page:
    """All that the page shows."""

    title: str
    metrics: Mapping[str, Any]
    settings_text: str

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Id and title of the parts that have something to show."""
        there = {
            "table": bool(self.metrics["mean_grade"]),
            "orders": bool(self.metrics["differences"]),
            "judge": bool(self.metrics["judge"] or self.metrics["judge_in_training"]["validation"]),
            "curves": any(self.metrics["curves"].values()),
            "tournament": bool(self.metrics["tournament"]["by_size"]),
            "people": bool(self.metrics.get("human_agreement") or self.metrics.get("preferences")),
            "memory": bool(self.metrics.get("memory")),
        }
        return [(key, title) for key, title in _SECTIONS.items() if there.get(key, True)]

    @property
    def sentences(self) -> list[str]:
        """What was found, the headline first."""
        said = [_lifted(self.metrics), _judge(self.metrics), _tournament(self.metrics), _missing(self.metrics)]
        return [sentence for sentence in said if sentence] or ["Nothing has been measured yet."]

    @property
    def axis(self) -> tuple[float, float]:
        """Where the axis of mean grades begins and ends: room for all intervals."""
        ends = [
            value
            for row in self.metrics["mean_grade"].values()
            for value in (row["low"], row["high"], row["value"], *row["by_seed"].values())
            if value is not None
        ]
        low, high = min(ends, default=0.0), max(ends, default=1.0)
        margin = 0.05 * (high - low) or 0.05
        return math.floor(50 * (low - margin)) / 50, math.ceil(50 * (high + margin)) / 50

    def place(self, value: float) -> str:
        """Where a mean grade lies on that axis, in percent of its width."""
        low, high = self.axis
        return f"{100 * min(max((value - low) / (high - low), 0.0), 1.0):.2f}%"


def title_of(name: str) -> tuple[str, str]:
    """A policy's name in the page, and what it learns from."""
    return TITLES.get(name, (name.replace("_", " "), ""))


def _interval(entry: Mapping[str, Any], digits: int = 3) -> str:
    if entry["low"] is None:
        return ""
    return f" ({decimal(entry['low'], digits)} to {decimal(entry['high'], digits)})"


def _lifted(metrics: Mapping[str, Any]) -> str:
    gain, start = metrics["above_start"].get("on_policy"), metrics["mean_grade"].get(START)
    if not gain or gain["value"] is None or start is None:
        return ""
    policy = metrics["mean_grade"]["on_policy"]
    sure = gain["low"] is not None and gain["low"] > 0
    word = "lifts" if sure else "moves" if gain["value"] > 0 else "does not lift"
    return (
        f"On-policy self-training {word} the mean grade of the policy’s answers from {decimal(start['value'])} to "
        f"{decimal(policy['value'])}, by {decimal(gain['value'])}{_interval(gain)}."
    )


def _judge(metrics: Mapping[str, Any]) -> str:
    accuracy, flips = metrics["judge"].get("accuracy"), metrics["judge"].get("flip_rate")
    clear = metrics["judge"].get("clear_accuracy")
    if not accuracy or accuracy["value"] is None:
        return ""
    surer = f", {percent(clear['value'], 1)} where the difference is clear" if clear and clear["value"] is not None else ""
    turned = f"; the order of the two answers turns {percent(flips['value'], 1)} of its verdicts" if flips else ""
    return f"The judge prefers the better answer of {percent(accuracy['value'], 1)} of held-out pairs{surer}{turned}."


def _tournament(metrics: Mapping[str, Any]) -> str:
    sizes = metrics["tournament"]["by_size"]
    if not sizes:
        return ""
    most = max(sizes, key=int)
    gain = sizes[most]["gain"]
    if gain["value"] is None:
        return ""
    one = sizes["1"]["grade"]["value"] if "1" in sizes else None
    return (
        f"The winner of a tournament of {most} has a mean grade of {decimal(sizes[most]['grade']['value'])}, a single answer "
        f"{decimal(one)}: {decimal(gain['value'])} more{_interval(gain)}, for {int(most) - 1} matches."
    )


def _missing(metrics: Mapping[str, Any]) -> str:
    missing = sum(len(run["problems"]) for run in metrics["runs"])
    return f"{missing} of the parts could not be made; the list of runs says why." if missing else ""


def html(page: Page) -> str:
    """The page; every text from data is escaped."""
    made = environment()
    metrics = page.metrics
    return str(
        made.get_template("selfjudge.html.jinja").render(
            page=page,
            metrics=metrics,
            title_of=title_of,
            style_of=style_of,
            paper=PAPER,
            curves=learning_curves(metrics["curves"]),
            tournament=tournament_curve(metrics["tournament"]["by_size"]),
            training=judge_in_training(metrics["judge_in_training"]["histories"]),
            version=__version__,
        )
    )
