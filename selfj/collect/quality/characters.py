"""Length in characters."""

from selfj.collect.quality.base import TextFilter
from selfj.filter_settings import CharacterFilter


class CharacterBounds(TextFilter[CharacterFilter]):
    """Keep texts of `min_…` to `max_…` characters; white space at both ends does not count."""

    def problem(self, text: str) -> str | None:
        """Too few or too many characters."""
        count = len(text.strip())
        if count < getattr(self.settings, f"min_{self.field}"):
            return f"too few characters: {count}"
        return f"too many characters: {count:,}" if count > getattr(self.settings, f"max_{self.field}") else None
