"""Judges from outside, to compare ours with: an endpoint's language model, a reward model, another run's judge."""

from selfj.raters.load import OutsideRater, content_of, judge_pool, load_judge

__all__ = ["OutsideRater", "content_of", "judge_pool", "load_judge"]
