"""The learning rate of each step, as a function of the step alone, so that a resumed run needs no state for it."""

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Schedule:
    """Linear warm-up to the peak, then constant, or linear or cosine decay to zero just after the last step."""

    peak: float
    kind: Literal["constant", "linear", "cosine"]
    warmup: int
    """Steps to the peak."""
    steps: int
    """All steps."""

    def rate(self, step: int) -> float:
        """Learning rate of step `step`, counted from 0."""
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        if self.kind == "constant":
            return self.peak
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.peak * (1 - done if self.kind == "linear" else (1 + math.cos(math.pi * done)) / 2)


def warmup_steps(asked: int, steps: int) -> int:
    """Warm-up of a run: as asked, but at most a tenth of its steps, so that a short run still trains at its peak."""
    return min(asked, steps // 10)
