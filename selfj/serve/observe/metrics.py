"""What the endpoint counts; on Ray's metrics port for Prometheus."""

from typing import Protocol


class Metrics(Protocol):
    """Counters and histograms of the ingress."""

    def request(self, route: str, status: int, seconds: float) -> None:
        """One HTTP request has ended."""
        ...

    def turned_away(self) -> None:
        """One HTTP request was refused unread, for want of a place."""
        ...

    def decision(self, promise: str, answered: bool, score: float | None) -> None:
        """One answer was judged and given or declined."""
        ...

    def tokens(self, role: str, prompt: int, generated: int, cached: int) -> None:
        """Tokens that a model (`policy`, `judge`) read, wrote, and found in its prefix cache."""
        ...


class NoMetrics:
    """Counts nothing."""

    def request(self, route: str, status: int, seconds: float) -> None:
        """Nothing."""

    def turned_away(self) -> None:
        """Nothing."""

    def decision(self, promise: str, answered: bool, score: float | None) -> None:
        """Nothing."""

    def tokens(self, role: str, prompt: int, generated: int, cached: int) -> None:
        """Nothing."""
