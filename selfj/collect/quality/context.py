"""Instructions that refer to what is not there."""

import re

from selfj.collect.quality.base import TextFilter
from selfj.collect.words import count_words
from selfj.filter_settings import ContextFilter

_THING = (
    r"(?:passage|text|article|paragraph|excerpt|document|story|poem|essay|dialogue|conversation|table|chart|graph|figure|diagram|"
    r"e-?mail|letter|list|quote|review|sentences?|code|snippet)"
)
_SHOWN = r"(?:shown|given|mentioned|provided|listed)"
_PICTURE = r"(?:picture|image|photo|photograph|video|screenshot)"
_ABOVE = re.compile(
    rf"\b(?:the|this|that) (?:above|previous|preceding|aforementioned)(?:[ -]mentioned)? (?:\w+ )?{_THING}\b"
    rf"|\b{_THING} (?:above|{_SHOWN} (?:above|earlier|previously))\b|\bas (?:shown|stated) above\b",
    re.I,
)
_BELOW = re.compile(
    rf"\b(?:the|this|these) (?:following|below) (?:\w+ )?{_THING}\b"
    rf"|\b{_THING} (?:below|that follows)\b|\bgiven (?:the|this) {_THING}\b",
    re.I,
)
_ELSEWHERE = re.compile(
    r"\b(?:the|this|these|an?) (?:attached|enclosed) \w+|\bsee (?:the )?attach(?:ed|ment)"
    rf"|\b(?:in|on|of|from|describe|at) (?:the|this|these) {_PICTURE}s? (?:above|below|shown|provided|given|attached)"
    rf"|\b(?:in|describe|caption) this {_PICTURE}\b|\bclick (?:here|this link)\b",
    re.I,
)
_LEFT = 3
"""Words after "the following …" (or in quotation marks, or behind a colon before it) from which on something is there."""
_QUOTED = re.compile(r"[\"“”«»`\[]|:\s*\S|\n")


class MissingContext(TextFilter[ContextFilter]):
    """Keep instructions that hold what they speak of."""

    def problem(self, text: str) -> str | None:
        """The words that refer to something that is not in the text."""
        if count_words(text) > self.settings.max_words:
            return None
        found = _ELSEWHERE.search(text) or self._above(text) or self._below(text)
        return f"missing context: {found.group()[:60]!r}" if found else None

    def _above(self, text: str) -> re.Match[str] | None:
        found = _ABOVE.search(text)
        return None if found and _holds(text[: found.start()] + text[found.end() :]) else found

    def _below(self, text: str) -> re.Match[str] | None:
        found = _BELOW.search(text)
        return None if found and _holds(text[found.end() :], _LEFT) else found


def _holds(rest: str, words: int = 25) -> bool:
    """Whether a text without the reference to it holds something to refer to."""
    return bool(_QUOTED.search(rest)) or count_words(rest) >= words
