"""Language of a text."""

import functools
import re
from typing import Any

from selfj.collect.quality.base import TextFilter
from selfj.filter_settings import LanguageFilter

_READ = 1000
"""Characters that are looked at: more of them change nothing and cost time."""
_TRANSLATION = re.compile(r"\btranslat(?:e|ion)\b", re.I)


class LanguageShare(TextFilter[LanguageFilter]):
    """Keep texts in the languages that are wanted."""

    def problem(self, text: str) -> str | None:
        """The probabilities of all wanted languages together are below `min_share`, in the whole text, in its first paragraph,
        and nothing is to be translated: that may be in any language.
        """
        found = self._foreign(text)
        if not found or _TRANSLATION.search(text):
            return None
        return found if self._foreign(text.strip().partition("\n\n")[0]) else None

    def _foreign(self, text: str) -> str | None:
        if len(text) < self.settings.min_characters:
            return None
        ranked = _identifier().rank(text[:_READ])
        share = sum(probability for language, probability in ranked if language in self.settings.languages)
        wanted = ", ".join(self.settings.languages)
        return f"language: {ranked[0][0]} rather than {wanted}" if share < self.settings.min_share else None


def language_of(text: str) -> str:
    """The most probable language of a text, as its ISO 639-1 code."""
    return str(_identifier().rank(text[:_READ])[0][0])


@functools.cache
def _identifier() -> Any:
    """The model that comes with py3langid; its probabilities sum to 1 over all languages."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
