"""Counts are gathered and handed to Ray once a second, none of them lost."""

import asyncio
from collections import Counter

import pytest

from selfj.serve.observe import ray_metrics
from selfj.serve.observe.ray_metrics import RayMetrics


class Instrument:
    """Remembers what it is told."""

    def __init__(self):
        self.counted, self.calls, self.observed = Counter(), 0, []

    def inc(self, number, tags):
        self.calls += 1
        self.counted[tuple(tags.values())] += number

    def observe(self, value, tags=None):
        self.observed.append(value)


@pytest.fixture
def made(monkeypatch):
    """Instruments in place of Ray's, by name."""
    found = {}
    monkeypatch.setattr(ray_metrics, "_made", lambda instrument, _: found.setdefault(instrument.name, Instrument()))
    monkeypatch.setattr(ray_metrics, "PERIOD_S", 0.01)
    return found


def count(metrics: RayMetrics) -> None:
    for score in (2.0, 7.0, None):
        metrics.decision("quality=0.7", score == 7.0, score)
    metrics.tokens("judge", 30, 0, 12)
    metrics.request("/v1/judge", 200, 0.5)


def test_counts_of_many_requests_are_handed_over_together(made):
    async def serve():
        metrics = RayMetrics("pocket")
        for _ in range(10):
            count(metrics)
        before = made["selfj_decisions"].calls
        await asyncio.sleep(0.05)
        for _ in range(10):
            count(metrics)
        await asyncio.sleep(0.05)
        return before

    assert asyncio.run(serve()) == 0
    assert made["selfj_decisions"].calls == 6
    tags = {("quality=0.7", decision): 20 for decision in ("answered", "declined", "unjudged")}
    assert made["selfj_decisions"].counted == tags
    assert made["selfj_tokens"].counted == {("judge", "prompt"): 600, ("judge", "cached"): 240}
    assert made["selfj_requests"].counted == {("/v1/judge", "200"): 20}
    assert made["selfj_score"].observed == [2.0, 7.0] * 20


def test_outside_an_event_loop_nothing_waits(made):
    count(RayMetrics("pocket"))
    assert made["selfj_requests"].counted == {("/v1/judge", "200"): 1}
    assert sum(made["selfj_decisions"].counted.values()) == 3


def test_who_is_turned_away_is_counted_among_the_requests(made):
    RayMetrics("pocket").turned_away()
    assert made["selfj_requests"].counted == {("turned away", "503"): 1}
    assert made["selfj_request_seconds"].observed == []
