"""Step 1: instructions with reference answers, from any number of sources."""

from selfj.collect.step import StepCounts, collect, step_counts

__all__ = ["StepCounts", "collect", "step_counts"]
