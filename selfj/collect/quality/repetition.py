"""Texts that repeat themselves."""

import re
from collections.abc import Sequence

from selfj.collect.quality.base import TextFilter
from selfj.collect.words import words_of
from selfj.filter_settings import RepetitionFilter

_MIN_LINES = 10
_MARKED_UP = re.compile(r"\s*<[a-z!]", re.I)
"""A text that begins with a tag: rows of a table are alike."""


class Repetition(TextFilter[RepetitionFilter]):
    """Keep texts whose lines and word n-grams mostly differ, and in which no character runs on."""

    def problem(self, text: str) -> str | None:
        """The first of three kinds of repetition that is found."""
        found = self._run(text)
        return found if found or _MARKED_UP.match(text) else self._lines(text) or self._ngrams(text)

    def _run(self, text: str) -> str | None:
        found = re.search(rf"([A-Za-z0-9!?])\1{{{self.settings.max_run},}}", text)
        return f"repetition: {len(found.group())} times {found.group(1)!r}" if found else None

    def _lines(self, text: str) -> str | None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        share = repeated_share(lines) if len(lines) >= _MIN_LINES else 0.0
        return f"repetition: {share:.0%} of the lines" if share > self.settings.max_line_share else None

    def _ngrams(self, text: str) -> str | None:
        words = words_of(text.lower())
        if len(words) < max(self.settings.min_words, self.settings.ngram):
            return None
        share = repeated_share(list(zip(*(words[start:] for start in range(self.settings.ngram)), strict=False)))
        return f"repetition: {share:.0%} of the {self.settings.ngram}-grams" if share > self.settings.max_ngram_share else None


def repeated_share(items: Sequence[object]) -> float:
    """Share of items that repeat an earlier one, 0 to 1."""
    return 1 - len(set(items)) / len(items) if items else 0.0
