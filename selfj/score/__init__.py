"""Responses → scored: self-evaluation with the reference in view, similarity to it, and their combination."""

from selfj.score.step import score

__all__ = ["score"]
