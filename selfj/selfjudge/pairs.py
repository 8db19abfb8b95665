"""Pairs of answers, and what a judge makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Side = Literal["a", "b"]


@dataclass(frozen=True)
class Pair:
    """Two answers to one instruction."""

    instruction: str
    a: str
    b: str


@dataclass(frozen=True)
class Verdict:
    """Which of two answers is the better one."""

    preferred: Side | None
    """None for a tie, and where there is no verdict."""
    score_a: float | None
    """How likely the judge is to call a the better one: mean over both orders (and principles); 0 to 1, None if not judged."""
    score_b: float | None
    flips: bool | None = None
    """Whether the preferred answer changes with the order they are shown in; None if not judged in both orders."""
    reason: str | None = None
    """Why there is no verdict."""

    @property
    def tie(self) -> bool:
        """Judged, and neither is better."""
        return self.preferred is None and self.reason is None


class PairJudge(Protocol):
    """Anything that compares answers."""

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        """One verdict per pair, in order."""
        ...
