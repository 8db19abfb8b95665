"""Decontamination: rows of the training splits that share an n-gram of words with an evaluation set (as in GPT-3, 13 words).

The n-grams of all sets are held in memory in every worker, as hashes: about 100 bytes each, one for each word of the sets.
"""

import re
from collections.abc import Iterator

from selfj.collect.fields import value_of
from selfj.collect.sources import plan_source, read_shard
from selfj.collect.words import CHARACTERS
from selfj.collect_settings import CollectSettings, DecontaminationSettings, EvaluationSetSettings, SourceSettings
from selfj.errors import DataError
from selfj.records import Instruction, normalised

_WORD = re.compile(rf"[{CHARACTERS}]|[^\W{CHARACTERS}]+")


class Contamination:
    """Rejects rows that overlap an evaluation set. Two n-grams of one 64-bit hash would be taken for one: once in 10^8 rows."""

    field = "instruction"

    def __init__(self, settings: DecontaminationSettings) -> None:
        """Read the sets. Raises DataError if one cannot be read or holds no text."""
        self.settings = settings
        self.ngrams: dict[int, str] = {}
        self.lengths: set[int] = set()
        for item in settings.sets:
            self._add(item)

    def reason_to_reject(self, row: Instruction) -> str | None:
        """The first set that the row overlaps."""
        if row.split not in self.settings.splits:
            return None
        texts = (getattr(row, field) for field in self.settings.fields)
        found = next((self.ngrams[ngram] for text in texts for ngram in self._ngrams(text) if ngram in self.ngrams), None)
        return found and f"contaminated: overlaps {found}"

    def _ngrams(self, text: str) -> Iterator[int]:
        words = words_of_text(text)
        for length in self.lengths:
            for start in range(len(words) - length + 1):
                yield hash(" ".join(words[start : start + length]))

    def _add(self, item: EvaluationSetSettings) -> None:
        name = item.name or item.path.rstrip("/").rsplit("/", 1)[-1]
        added = [self._add_text(text, name) for text in texts_of(item)]
        if not any(added):
            words = f"of {self.settings.min_words} words or more in {', '.join(item.columns)}"
            raise DataError(f"collect.decontaminate: {name}: no text {words}; set its `columns`")

    def _add_text(self, text: str, name: str) -> bool:
        words = words_of_text(text)
        length = min(len(words), self.settings.ngram)
        if length < min(self.settings.min_words, self.settings.ngram):
            return False
        self.lengths.add(length)
        for start in range(len(words) - length + 1):
            self.ngrams.setdefault(hash(" ".join(words[start : start + length])), name)
        return True


def words_of_text(text: str) -> list[str]:
    """Words without case and punctuation."""
    return _WORD.findall(normalised(text))


def texts_of(item: EvaluationSetSettings) -> Iterator[str]:
    """All texts of an evaluation set. Raises DataError if it cannot be read."""
    settings = _as_source(item)
    for shard in plan_source(0, settings).shards:
        for raw in read_shard(shard, settings):
            values = [value_of(raw.values or {}, name) for name in item.columns]
            yield from (value for value in values if isinstance(value, str))


def content_of(item: EvaluationSetSettings) -> dict[str, str]:
    """Hash of each file of a set: what a run's fingerprint must hold. Raises DataError if it cannot be read."""
    return {f"decontaminate {label}": content for label, content in plan_source(0, _as_source(item)).inputs.items()}


def _as_source(item: EvaluationSetSettings) -> CollectSettings:
    source = SourceSettings(path=item.path, name=item.name, config=item.config, split=item.split)
    source.fields.instruction = item.columns
    return CollectSettings(sources=[source])
