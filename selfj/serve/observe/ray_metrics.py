"""The endpoint's metrics as Ray's: each node of the cluster shows them on its metrics port."""

from typing import Any

from selfj.serve.observe.catalogue import DECISIONS, INSTRUMENTS, LATENCY, REQUESTS, SCORE, TOKENS, Instrument, decision_name


class RayMetrics:
    """Counters and histograms of one ingress replica. To be made inside the replica, whose tags Ray Serve then adds.

    Args:
        model: name of the served model, the tag `model` of all of them.
    """

    def __init__(self, model: str) -> None:
        self._instruments = {instrument.name: _made(instrument, model) for instrument in INSTRUMENTS}

    def request(self, route: str, status: int, seconds: float) -> None:
        """One HTTP request has ended."""
        self._instruments[REQUESTS.name].inc(1, {"route": route, "status": str(status)})
        self._instruments[LATENCY.name].observe(seconds, {"route": route})

    def decision(self, promise: str, answered: bool, score: float | None) -> None:
        """One answer was judged and given or declined."""
        self._instruments[DECISIONS.name].inc(1, {"promise": promise, "decision": decision_name(answered, score)})
        if score is not None:
            self._instruments[SCORE.name].observe(score)

    def tokens(self, role: str, prompt: int, generated: int, cached: int) -> None:
        """Tokens that a model (`policy`, `judge`) read, wrote, and found in its prefix cache."""
        for kind, number in (("prompt", prompt), ("generated", generated), ("cached", cached)):
            if number > 0:  # Ray refuses to count zero
                self._instruments[TOKENS.name].inc(number, {"role": role, "kind": kind})


def _made(instrument: Instrument, model: str) -> Any:
    from ray.serve import metrics

    common = {"description": instrument.description, "tag_keys": instrument.tags}
    if instrument.kind == "counter":
        made: Any = metrics.Counter(instrument.name, **common)
    else:
        made = metrics.Histogram(instrument.name, boundaries=list(instrument.boundaries), **common)
    made.set_default_tags({"model": model})
    return made
