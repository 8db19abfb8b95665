"""References that are none."""

import re
import unicodedata

from selfj.collect.quality.base import TextFilter
from selfj.filter_settings import EchoFilter, ReferenceFilter
from selfj.records import Instruction, normalised

_CANNOT = r"(?:can ?no?t|can'?t|am unable|am not able|won'?t)"
_REFUSAL = re.compile(
    r"\bas an? (?:ai|artificial intelligence|large language)(?: language)?(?: model| assistant)?\b"
    rf"|^(?:i'?m|i am|we'?re) (?:very |so |really )?sorry,? ?(?:but )?(?:i|we) (?:{_CANNOT}|don'?t|do not)"
    rf"|^(?:sorry|unfortunately|i apologi[sz]e)[,.:]? ?(?:but )?i (?:{_CANNOT}|don'?t have|do not have)"
    r"|^i(?:'m| am) (?:not able|unable) to (?:assist|help|provide|answer|process|complete|fulfil)"
    rf"|^i {_CANNOT} (?:assist|help|fulfil|provide|answer|comply|process)"
)
_READ = 200
"""Characters of the beginning that are looked at."""
_NOTHING = re.compile(
    r"[<\[]?no[ _]?(?:in|out)put[>\]]?|n/?a|none|null|nil|nan|undefined|unknown|tbd|todo|not (?:available|applicable)"
    r"|no (?:answer|response)|(?:output|answer):"
)
_EMOTICON = re.compile(r"[:;=][-'^o]?[()\[\]|/*]|\^_*\^")


class RefusedReference(TextFilter[ReferenceFilter]):
    """Keep references that answer."""

    def problem(self, text: str) -> str | None:
        """The reference declines, or says nothing."""
        begins = normalised(text[:_READ]).replace("’", "'")
        if _NOTHING.fullmatch(begins.rstrip(".!")) or not _says_something(text):
            return f"empty reference: {begins[:20]!r} says nothing"
        found = _REFUSAL.search(begins)
        return f"refused reference: {found.group()[:60]!r}" if found else None


def _says_something(text: str) -> bool:
    """Letters, digits, an emoji, or an emoticon."""
    return any(sign.isalnum() or unicodedata.category(sign) == "So" for sign in text) or bool(_EMOTICON.search(text))


class Echo:
    """Keep references that say more than the instruction does."""

    field = "reference"

    def __init__(self, settings: EchoFilter) -> None:
        self.settings = settings

    def reason_to_reject(self, row: Instruction) -> str | None:
        """Both are the same but for case, spaces and the last full stop."""
        same = _plain(row.instruction) == _plain(row.reference)
        return "reference repeats the instruction" if same else None


def _plain(text: str) -> str:
    return normalised(text).rstrip(" .:?!")
