"""The card's drawings: lengths, and verbs with their objects as two rings (as in Self-Instruct, Wang et al. 2023, figure 3)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from selfj.evaluate.report.charts import CARD, INK, Chart, chart, colour
from selfj.evaluate.report.styles import HUES

_OBJECTS = 4
"""Objects of a verb that have a place of their own."""
_READABLE = 0.012
"""Share of the ring that a label needs."""
_UNNAMED = 0.1
"""Strength of what has no name of its own."""
_MOST_WORDS = 2000
_STEPS = 40


@dataclass(frozen=True)
class Ring:
    """How one ring looks."""

    radii: tuple[float, float]
    strength: float
    """Of its colours, 0 to 1."""
    ink: str
    """Colour of its labels."""


_INNER = Ring((0.3, 0.62), 1.0, CARD)
_OUTER = Ring((0.63, 1.0), 0.35, INK)


def lengths(name: str, counts: Counter[int], hue: str) -> Chart:
    """How many texts have how many words, in classes that grow with the length."""
    words, texts = np.array(sorted(counts)), np.array([counts[length] for length in sorted(counts)])
    edges = np.unique(np.round(np.geomspace(1, max(_MOST_WORDS, words.max(initial=1)) + 1, _STEPS)))
    heights, _ = np.histogram(words, bins=edges, weights=texts)

    def draw(figure: Any, wide: bool) -> None:
        axes = figure.subplots()
        axes.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color=colour(hue), edgecolor=CARD, linewidth=0.4)
        axes.set_xscale("log")
        ticks = [tick for tick in (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000) if tick <= edges[-1]]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(1, edges[-1])
        axes.yaxis.set_major_formatter(lambda tick, _: f"{tick:,.0f}")
        axes.set_xlabel("words")
        axes.set_ylabel("texts")

    return chart(name, draw, (5.2, 3.4), (4.0, 3.0))


def rings(name: str, objects: Mapping[str, Counter[str]]) -> Chart:
    """Verbs (inner ring) with their most frequent objects (outer ring); widths are numbers of requests."""

    def draw(figure: Any, wide: bool) -> None:
        axes = figure.subplots()
        shown = dict(list(objects.items())[: 20 if wide else 12])
        total = sum(found.total() for found in shown.values())
        least = _READABLE * total * (1 if wide else 1.6)
        hues = [colour(f"--series-{HUES[place % len(HUES)]}") for place in range(len(shown))]
        _ring(axes, {verb: found.total() for verb, found in shown.items()}, hues, _INNER, least)
        outer, shades = _outer(shown, hues)
        _ring(axes, outer, shades, _OUTER, least)
        axes.set_xlim(-1.02, 1.02)
        axes.set_ylim(-1.02, 1.02)
        axes.set_aspect("equal")
        axes.set_axis_off()

    return chart(name, draw, (7.6, 7.6), (4.6, 4.6))


def _outer(objects: Mapping[str, Counter[str]], hues: list[str]) -> tuple[dict[tuple[str, str], int], list[str]]:
    """The parts of the outer ring in the order of the inner one; what has no place of its own comes last, unnamed."""
    parts, shades = dict[tuple[str, str], int](), list[str]()
    for (verb, found), hue in zip(objects.items(), hues, strict=True):
        named = [(noun, count) for noun, count in found.most_common() if noun][:_OBJECTS]
        rest = found.total() - sum(count for _, count in named)
        parts |= {(verb, noun): count for noun, count in named} | ({(verb, ""): rest} if rest else {})
        shades += [hue] * (len(named) + bool(rest))
    return parts, shades


def _ring(axes: Any, parts: Mapping[Any, int], hues: list[str], ring: Ring, least: float) -> None:
    """One ring of wedges, clockwise from the top, each with its name along the radius if it is wide enough."""
    from matplotlib.patches import Wedge

    total, angle = sum(parts.values()), 90.0
    for (key, count), hue in zip(parts.items(), hues, strict=True):
        name = key if isinstance(key, str) else key[1]
        turn = 360 * count / total
        strength, width = ring.strength if name else _UNNAMED, ring.radii[1] - ring.radii[0]
        wedge = Wedge((0, 0), ring.radii[1], angle - turn, angle, width=width, facecolor=hue, alpha=strength)
        wedge.set_edgecolor(CARD)
        axes.add_patch(wedge)
        if name and count >= least:
            _label(axes, name, angle - turn / 2, ring)
        angle -= turn


def _label(axes: Any, name: str, angle: float, ring: Ring) -> None:
    radius = sum(ring.radii) / 2
    x, y = radius * np.cos(np.radians(angle)), radius * np.sin(np.radians(angle))
    rotation = angle if np.cos(np.radians(angle)) >= 0 else angle + 180
    axes.text(x, y, name, rotation=rotation, ha="center", va="center", rotation_mode="anchor", fontsize=8.5, color=ring.ink)
