"""The endpoint's metrics as Ray's: each node of the cluster shows them on its metrics port."""

import asyncio
from collections import Counter
from typing import Any

from selfj.serve.observe.catalogue import (
    DECISIONS,
    INSTRUMENTS,
    LATENCY,
    REQUESTS,
    SCORE,
    TOKENS,
    TURNED_AWAY,
    Instrument,
    decision_name,
)

PERIOD_S = 1.0
"""Counts are handed to Ray this often: one call costs it 14 µs, and a request would make four."""


class RayMetrics:
    """Counters and histograms of one ingress replica. To be made inside the replica, whose tags Ray Serve then adds.

    Args:
        model: name of the served model, the tag `model` of all of them.
    """

    def __init__(self, model: str) -> None:
        self._instruments = {instrument.name: _made(instrument, model) for instrument in INSTRUMENTS}
        self._pending: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()

    def request(self, route: str, status: int, seconds: float) -> None:
        """One HTTP request has ended."""
        self._count(REQUESTS, 1, route=route, status=str(status))
        self._instruments[LATENCY.name].observe(seconds, {"route": route})

    def turned_away(self) -> None:
        """One HTTP request was refused unread, for want of a place."""
        self._count(REQUESTS, 1, route=TURNED_AWAY, status="503")

    def decision(self, promise: str, answered: bool, score: float | None) -> None:
        """One answer was judged and given or declined."""
        self._count(DECISIONS, 1, promise=promise, decision=decision_name(answered, score))
        if score is not None:
            self._instruments[SCORE.name].observe(score)

    def tokens(self, role: str, prompt: int, generated: int, cached: int) -> None:
        """Tokens that a model (`policy`, `judge`) read, wrote, and found in its prefix cache."""
        for kind, number in (("prompt", prompt), ("generated", generated), ("cached", cached)):
            if number > 0:  # Ray refuses to count zero
                self._count(TOKENS, number, role=role, kind=kind)

    def _count(self, instrument: Instrument, number: int, **tags: str) -> None:
        scheduled = bool(self._pending)
        self._pending[instrument.name, tuple(tags.items())] += number
        if not scheduled:
            try:
                asyncio.get_running_loop().call_later(PERIOD_S, self._hand_over)
            except RuntimeError:  # called from outside an event loop
                self._hand_over()

    def _hand_over(self) -> None:
        pending, self._pending = self._pending, Counter()
        for (name, tags), number in pending.items():
            self._instruments[name].inc(number, dict(tags))


def _made(instrument: Instrument, model: str) -> Any:
    from ray.serve import metrics

    common = {"description": instrument.description, "tag_keys": instrument.tags}
    if instrument.kind == "counter":
        made: Any = metrics.Counter(instrument.name, **common)
    else:
        made = metrics.Histogram(instrument.name, boundaries=list(instrument.boundaries), **common)
    made.set_default_tags({"model": model})
    return made
