"""Where the judge is, and how its scores become rewards."""

import math
import os
from dataclasses import dataclass

from selfj.errors import SettingsError
from selfj.rewards.scale import SCALES, Scale


@dataclass(frozen=True)
class RewardSettings:
    """Settings of a reward function. Raises SettingsError for values that would fail, or surprise, later."""

    base_url: str = "http://127.0.0.1:8000"
    """The endpoint, without a path."""
    model: str = ""
    """Name with promise (`pocket@coverage=0.8`), which has the threshold for `margin` and `answered`; empty: the default."""
    scale: Scale = "unit"
    """`unit`: score / 9; `score`: 0 to 9; `margin`: score minus threshold; `answered`: 1 from the threshold on, else 0."""
    missing: float | None = None
    """Reward of an answer that could not be judged, for trainers that take numbers only."""
    key_variable: str = "SELFJ_API_KEY"
    """Environment variable with the API key; none is sent where it is not set."""
    timeout_s: float = 180
    """Longest wait for one reply."""
    tries: int = 12
    """Requests for one reply, with pauses of 0.5 to 8 s or what `Retry-After` says: a good minute in all."""
    answers_per_request: int = 64
    """Answers in one request, at the most; those of one instruction stay together."""
    characters_per_request: int = 300_000
    """Characters in one request, at the most, unless one answer has more."""
    requests_at_once: int = 8
    """Requests on their way at the same time."""

    def __post_init__(self) -> None:
        limits = [
            (self.base_url.startswith(("http://", "https://")), "base_url: begin with http:// or https://"),
            (self.scale in SCALES, f"scale: one of {', '.join(SCALES)}"),
            (self.missing is None or math.isfinite(self.missing), "missing: a finite number, or nothing"),
            (min(self.timeout_s, self.tries, self.answers_per_request) > 0, "timeout_s, tries, answers_per_request: above 0"),
            (min(self.characters_per_request, self.requests_at_once) > 0, "characters_per_request, requests_at_once: above 0"),
        ]
        problems = [message for holds, message in limits if not holds]
        if problems:
            raise SettingsError("rewards: " + "; ".join(problems))

    @property
    def key(self) -> str:
        """The API key, or nothing."""
        return os.environ.get(self.key_variable, "").strip()
