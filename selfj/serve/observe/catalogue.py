"""The metrics that the endpoint has on Ray's metrics port, for Prometheus: names, kinds, tags.

Ray puts `ray_` before every name, Prometheus' `_total` after a counter's, and its own tags beside these (`application`,
`deployment`, `replica`, `NodeAddress` …). docs/serving.md lists them from here.
"""

from dataclasses import dataclass
from typing import Literal

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
SCORES = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)


@dataclass(frozen=True)
class Instrument:
    """One metric."""

    name: str
    kind: Literal["counter", "histogram"]
    description: str
    tags: tuple[str, ...]
    boundaries: tuple[float, ...] = ()
    """Upper ends of a histogram's buckets."""

    @property
    def series(self) -> tuple[str, ...]:
        """Names as Prometheus has them."""
        endings = ("total",) if self.kind == "counter" else ("bucket", "sum", "count")
        return tuple(f"ray_{self.name}_{ending}" for ending in endings)


REQUESTS = Instrument("selfj_requests", "counter", "HTTP requests that have ended", ("model", "route", "status"))
LATENCY = Instrument(
    "selfj_request_seconds", "histogram", "Seconds from a request's first byte to its last", ("model", "route"), SECONDS
)
TURNED_AWAY = "turned away"
"""Route of requests that were refused before anybody looked where they wanted to go."""
DECISIONS = Instrument("selfj_decisions", "counter", "Answers that were given or declined", ("model", "promise", "decision"))
SCORE = Instrument("selfj_score", "histogram", "The judge's scores, 0 to 9", ("model",), SCORES)
TOKENS = Instrument(
    "selfj_tokens",
    "counter",
    "Tokens that policy and judge read (`prompt`, of them `cached` in the prefix cache) and wrote (`generated`)",
    ("model", "role", "kind"),
)
INSTRUMENTS = (REQUESTS, LATENCY, DECISIONS, SCORE, TOKENS)

RAY_SERIES = {
    "ray_serve_deployment_queued_queries": "Requests that wait for a replica, by `deployment`",
    "ray_serve_replica_processing_queries": "Requests in work, by `deployment` and `replica`",
    "ray_serve_deployment_replica_healthy": "1 for a replica that passes its health check",
    "ray_serve_deployment_replica_starts_total": "Replicas that were started, replacements included",
}
"""Ray Serve's own metrics that the dashboard shows."""


def decision_name(answered: bool, score: float | None) -> str:
    """`answered`, `declined`, or `unjudged` for an answer that was declined for want of a score."""
    if answered:
        return "answered"
    return "declined" if score is not None else "unjudged"
