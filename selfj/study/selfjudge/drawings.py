"""Charts of the SELF-JUDGE page: learning curves, the tournament, the training of the judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from selfj.evaluate.report.charts import Chart, chart, colour
from selfj.evaluate.report.drawings import Picks, best_of_n
from selfj.evaluate.report.styles import DASHES, Style

STYLES = {
    "sft": Style("muted", "dotted", "v"),
    "start": Style("olive", "dashed", "s"),
    "offline": Style("orange", "dashdot", "^"),
    "off_policy": Style("purple", "dashed", "D"),
    "on_policy": Style("blue", "solid", "o", 2.8),
    "moving_judge": Style("teal", "solid", "P"),
}
"""By policy; other arms are red."""
OTHER = Style("red", "dashdot", "X")
PANELS = {
    "grade": "mean grade of held-out answers",
    "win_rate": "win rate against the start",
    "kl": "KL to the start (nats per answer)",
    "tokens": "tokens of an answer",
    "repetition": "share of repeated 4-grams",
}
"""Figures that have a learning curve, and what stands at their axis."""

Curves = Mapping[str, Sequence[Mapping[str, Any]]]
"""By arm its points: `step`, and each figure as mean, lowest and highest seed."""


def style_of(name: str) -> Style:
    """How a policy is drawn."""
    return STYLES.get(name, OTHER)


def learning_curves(curves: Curves) -> list[tuple[str, Chart]]:
    """One drawing for each figure that any arm has: its title and the chart."""
    found = {name: {arm: _known(points, name) for arm, points in curves.items()} for name in PANELS}
    return [(PANELS[name], _panel(name, lines)) for name, lines in found.items() if any(lines.values())]


def _known(points: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float, float, float]]:
    """(step, mean, lowest, highest) of the points that have the figure."""
    return [(point["step"], *point[name]) for point in points if point[name] is not None]


def _panel(name: str, lines: Mapping[str, Sequence[tuple[float, float, float, float]]]) -> Chart:
    def draw(figure: Any, wide: bool) -> None:
        axes = figure.subplots()
        for arm, points in lines.items():
            if points:
                _line(axes, style_of(arm), *zip(*points, strict=True))
        if name == "win_rate":
            axes.axhline(0.5, color=colour("--muted"), linewidth=1, linestyle=(0, DASHES["dotted"]))
        axes.set_xlabel("optimizer steps")
        axes.set_ylabel(PANELS[name])

    return chart(f"curve-{name}", draw, (5.2, 3.4), (4.0, 3.0))


def _line(axes: Any, style: Style, steps: Any, means: Any, low: Any, high: Any) -> None:
    hue = colour(style.variable)
    face = hue if style.filled else colour("--card")
    axes.plot(steps, means, color=hue, linewidth=style.width, linestyle=(0, DASHES[style.dash]))
    axes.plot(steps, means, linestyle="", marker=style.marker, markersize=5, color=hue, markerfacecolor=face)
    axes.fill_between(steps, low, high, color=hue, alpha=0.1, linewidth=0)


def tournament_curve(by_size: Mapping[str, Mapping[str, Any]]) -> Chart | None:
    """Mean grade of the winner by how many answers competed; None without grades."""
    grades = {int(size): point["grade"] for size, point in by_size.items() if point["grade"]["value"] is not None}
    if not grades:
        return None
    low, high = ([grade[end] for grade in grades.values()] for end in ("low", "high"))
    known = None not in low and None not in high
    values = [grade["value"] for grade in grades.values()]
    picks = Picks(style_of("on_policy"), list(grades), values, low if known else None, high if known else None)
    return best_of_n("tournament", [picks])


def judge_in_training(histories: Sequence[Sequence[Mapping[str, Any]]]) -> Chart | None:
    """Accuracy on held-out pairs over the steps of JSFT, one line for each seed; None where it was not looked at on the way."""
    lines = [_accuracies(history) for history in histories]
    if not any(len(line) > 1 for line in lines):
        return None

    def draw(figure: Any, wide: bool) -> None:
        axes = figure.subplots()
        for line in lines:
            axes.plot(*zip(*line, strict=True), color=colour("--series-blue"), marker="o", markersize=4, linewidth=1.6)
        axes.axhline(0.5, color=colour("--muted"), linewidth=1, linestyle=(0, DASHES["dotted"]))
        axes.set_xlabel("optimizer steps of JSFT")
        axes.set_ylabel("accuracy on held-out pairs")

    return chart("judge-in-training", draw, (5.2, 3.4), (4.0, 3.0))


def _accuracies(history: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    points = [(point["step"], (point.get("validation") or {}).get("accuracy")) for point in history]
    return [(step, value) for step, value in points if value is not None]
