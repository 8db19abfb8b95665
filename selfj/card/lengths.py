"""Lengths in words: median, longest, classes."""

import statistics
from collections import Counter

BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Lower bounds of the classes of length, in words."""


def classes(lengths: Counter[int]) -> dict[str, int]:
    """Texts by class of length; the last class is open."""
    bounds = [*zip(BOUNDS, [bound - 1 for bound in BOUNDS[1:]], strict=False), (BOUNDS[-1], None)]
    named = {(f"{low}–{high}" if high != low else str(low)) if high else f"{low} or more": (low, high) for low, high in bounds}
    return {name: sum(_within(lengths, low, high)) for name, (low, high) in named.items()}


def _within(lengths: Counter[int], low: int, high: int | None) -> list[int]:
    return [count for length, count in lengths.items() if length >= low and (high is None or length <= high)]


def in_words(lengths: Counter[int]) -> str:
    """`Median 9, longest 120.`"""
    return f"Median {median(lengths):g}, longest {max(lengths):,}." if lengths else "None."


def median(lengths: Counter[int]) -> float:
    """Median of counted lengths."""
    return float(statistics.median(lengths.elements()))
