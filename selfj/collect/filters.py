"""Which instructions are kept: small units that look at one row and say why it is rejected, or nothing."""

from dataclasses import dataclass

from selfj.collect.quality import Filter, chosen_filters
from selfj.collect.words import count_words
from selfj.collect_settings import CollectSettings
from selfj.records import Instruction

__all__ = ["Filter", "LengthBounds", "ReferenceLength", "RowSize", "count_words", "filters"]


@dataclass
class LengthBounds:
    """Keep instructions of `min_words` to `max_words` words (METHOD.md: too short and too long ones are dropped)."""

    min_words: int
    max_words: int
    field: str = "instruction"

    def reason_to_reject(self, row: Instruction) -> str | None:
        """Too few or too many words in the instruction with its input."""
        text = row.instruction
        if len(text) <= self.max_words and text.isascii() and len(text.split(None, self.min_words)) >= self.min_words:
            return None
        words = count_words(text)
        if words < self.min_words:
            return f"instruction too short: {words} words"
        return f"instruction too long: {words} words" if words > self.max_words else None


@dataclass
class ReferenceLength:
    """Keep references of at most `max_words` words."""

    max_words: int
    field: str = "reference"

    def reason_to_reject(self, row: Instruction) -> str | None:
        """Too many words in the reference."""
        if len(row.reference) <= self.max_words:
            return None
        words = count_words(row.reference)
        return f"reference too long: {words} words" if words > self.max_words else None


@dataclass
class RowSize:
    """Keep rows of at most `max_characters` characters: a text without spaces is one word, however long it is."""

    max_characters: int
    field: str = "instruction"

    def reason_to_reject(self, row: Instruction) -> str | None:
        """Too many characters in instruction and reference together."""
        size = len(row.instruction) + len(row.reference)
        return f"row too long: {size:,} characters" if size > self.max_characters else None


def filters(settings: CollectSettings, row_bytes: int) -> list[Filter]:
    """The filters of a run, cheapest first."""
    return [
        RowSize(row_bytes),
        LengthBounds(settings.min_words, settings.max_words),
        ReferenceLength(settings.max_reference_words),
        *chosen_filters(settings.filters),
    ]
