"""Texts that were never filled in."""

import re

from selfj.collect.quality.base import TextFilter
from selfj.filter_settings import PlaceholderFilter

_NAMES = "name|company|address|date|title|topic|city|country|product|number|subject|position|recipient|sender|email|phone|text"
_PLACEHOLDER = re.compile(
    rf"\[(?:your|insert|enter|add|recipient'?s?|company'?s?|customer'?s?) ?[a-z' ]{{2,40}}\]|\[(?:the )?(?:{_NAMES})\]"
    r"|<(?:insert|your|enter|add)[ _][a-z_ ]{2,40}>|\b(?:insert|enter|your) (?:text|name|title) here\b"
    r"|\bTBD\b|\{insert [a-z ]+\}|<no ?(?:in|out)put>",
    re.I,
)
_FILLER = re.compile(r"\blorem ipsum\b", re.I)
"""In an instruction it is a text to work on."""


class Placeholders(TextFilter[PlaceholderFilter]):
    """Keep texts without placeholders."""

    def problem(self, text: str) -> str | None:
        """The first placeholder, as it stands there."""
        found = _PLACEHOLDER.search(text) or (_FILLER.search(text) if self.field == "reference" else None)
        return f"placeholder: {found.group()[:40]}" if found else None
