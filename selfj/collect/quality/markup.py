"""Leftovers of markup and templates."""

import re

from selfj.collect.quality.base import TextFilter
from selfj.filter_settings import MarkupFilter
from selfj.records import Instruction

_NAMES = "br|p|div|span|li|ul|ol|td|tr|table|strong|em|font|center|blockquote|sup|sub|img|href"
_TAGS = re.compile(rf"</?(?:{_NAMES}|a(?=\s+href))\b[^<>\n]{{0,300}}>", re.I)
_ENTITIES = re.compile(r"&(?:nbsp|amp|lt|gt|quot|apos|[mn]dash|[rl][sd]quo|hellip|#\d{2,5}|#x[0-9a-f]{2,5});", re.I)
_CHAT_MARKERS = re.compile(
    r"<\|[a-z_]{2,20}\|>|\[/?INST\]|<</?SYS>>|^#{2,3} (?:Instruction|Response|Input|Human|Assistant):", re.M | re.I
)
_TEMPLATES = re.compile(r"\{\{\s*[A-Za-z_][\w. |]*\s*\}\}|\{%\s*\w+.*?%\}|<%=?.*?%>")
_REMOVED = re.compile(r"\[(?:deleted|removed)\]", re.I)
_WIKI = re.compile(r"\[(?:citation needed|edit)\]", re.I)
"""In an instruction it belongs to the passage that is quoted."""
_ABOUT_MARKUP = re.compile(
    r"html|\bxml|\bcss\b|javascript|\bjsx?\b|php|\btags?\b|mark-?up|template|jinja|web ?(?:page|site)|\bcode\b|```|def ", re.I
)
"""Words of a text in which markup is what it is about."""

_CHAT = "markup: chat marker"
_KINDS = (("HTML entity", _ENTITIES), ("HTML tag", _TAGS), ("template", _TEMPLATES), ("removed text", _REMOVED))


class MarkupLeftovers(TextFilter[MarkupFilter]):
    """Keep texts without tags, entities, chat markers or unfilled templates; texts about markup may hold all but chat markers."""

    def reason_to_reject(self, row: Instruction) -> str | None:
        """What is wrong with the text, unless the instruction asks for markup."""
        found = self.problem(getattr(row, self.field))
        return None if found and not found.startswith(_CHAT) and _ABOUT_MARKUP.search(row.instruction) else found

    def problem(self, text: str) -> str | None:
        """The first leftover, as it stands there."""
        found = _CHAT_MARKERS.search(text)
        if found:
            return f"{_CHAT} {found.group()[:40]}"
        if not _may_hold(text) or _ABOUT_MARKUP.search(text):
            return None
        kinds = (*_KINDS, ("removed text", _WIKI)) if self.field == "reference" else _KINDS
        matches = ((kind, pattern.search(text)) for kind, pattern in kinds)
        return next((f"markup: {kind} {match.group()[:40]}" for kind, match in matches if match), None)


def _may_hold(text: str) -> bool:
    return any(mark in text for mark in "<&{[")
