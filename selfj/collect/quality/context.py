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
    rf"\b(?:the|this|these) (?:following|below|given|provided) (?:\w+ )?{_THING}\b"
    rf"|\b{_THING} (?:below\b|that follows[.:]?$)|\bgiven (?:the|this) {_THING}\b",
    re.I,
)
_ELSEWHERE = re.compile(
    rf"\b(?:the|this|these|an?) (?:attached|enclosed) (?:\w+ )?(?:{_THING}|{_PICTURE}|file|pdf|data)\b"
    r"|\bsee (?:the )?attach(?:ed|ment)"
    rf"|\b(?:in|on|of|from|describe|at) (?:the|this|these) {_PICTURE}s? (?:above|below|shown|provided|given|attached)"
    rf"|\b(?:in|describe|caption) this {_PICTURE}\b|\bclick (?:here|this link)\b",
    re.I,
)
_BEFORE, _AFTER = 30, 6
"""Words of an instruction that speaks of something above, and words behind "the following …", from which on it may be there."""
_MARKED_OFF = re.compile(r"[\"“”«»`\[]|:\s*\S|\n")
"""Quotation marks, a colon with something behind it, another line."""


class MissingContext(TextFilter[ContextFilter]):
    """Keep instructions that hold what they speak of."""

    def problem(self, text: str) -> str | None:
        """The words that refer to something that is not in the text."""
        if count_words(text) > self.settings.max_words:
            return None
        asked = text.strip().partition("\n\n")[0]  # what stands below may be a mail with an attachment
        found = _ELSEWHERE.search(asked) or self._above(text) or self._below(text)
        return f"missing context: {found.group()[:60]!r}" if found else None

    def _above(self, text: str) -> re.Match[str] | None:
        found = _ABOVE.search(text)
        return None if found and _holds(text, found, count_words(text), _BEFORE) else found

    def _below(self, text: str) -> re.Match[str] | None:
        found = _BELOW.search(text)
        return None if found and _holds(text, found, count_words(text[found.end() :]), _AFTER) else found


def _holds(text: str, found: re.Match[str], words: int, enough: int) -> bool:
    """Whether something to refer to is there: marked off from the reference to it, or so many words."""
    return words >= enough or bool(_MARKED_OFF.search(text[: found.start()] + text[found.end() :]))
