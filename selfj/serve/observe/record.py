"""What one request did, gathered while it runs: what its routes count is also what its log line says."""

from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from selfj.serve.observe.catalogue import decision_name
from selfj.serve.observe.metrics import Metrics


@dataclass
class RequestRecord:
    """Decisions, scores and tokens of one request."""

    promise: str | None = None
    decisions: Counter[str] = field(default_factory=Counter)
    """`answered`, `declined`, `unjudged` → how many."""
    scores: list[float] = field(default_factory=list)
    tokens: dict[str, Counter[str]] = field(default_factory=dict)
    """`policy`, `judge` → tokens by kind."""

    def as_fields(self) -> dict[str, Any]:
        """For a log line; what there was none of is left out."""
        fields = {
            "promise": self.promise,
            **self.decisions,
            "lowest_score": round(min(self.scores), 3) if self.scores else None,
            "highest_score": round(max(self.scores), 3) if self.scores else None,
            "tokens": {role: dict(kinds) for role, kinds in self.tokens.items()},
        }
        return {name: value for name, value in fields.items() if value not in (None, {})}


CURRENT: ContextVar[RequestRecord | None] = ContextVar("selfj_request", default=None)
"""The record of the request that the running task works for. Tasks that it starts see the same object."""


class RecordedMetrics:
    """Metrics that also go into the current request's record.

    Args:
        metrics: where everything is counted.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def request(self, route: str, status: int, seconds: float) -> None:
        """One HTTP request has ended."""
        self._metrics.request(route, status, seconds)

    def turned_away(self) -> None:
        """One HTTP request was refused unread, for want of a place."""
        self._metrics.turned_away()

    def decision(self, promise: str, answered: bool, score: float | None) -> None:
        """One answer was judged and given or declined."""
        self._metrics.decision(promise, answered, score)
        record = CURRENT.get()
        if record is not None:
            record.promise = promise
            record.decisions[decision_name(answered, score)] += 1
            record.scores += [] if score is None else [score]

    def tokens(self, role: str, prompt: int, generated: int, cached: int) -> None:
        """Tokens that a model (`policy`, `judge`) read, wrote, and found in its prefix cache."""
        self._metrics.tokens(role, prompt, generated, cached)
        record = CURRENT.get()
        if record is not None:
            record.tokens.setdefault(role, Counter()).update(prompt=prompt, generated=generated, cached=cached)
