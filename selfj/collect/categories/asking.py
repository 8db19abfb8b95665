"""Asking the policy for categories: the exact probabilities of the categories' numbers, one prefill for each prompt."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from selfj.collect.categories.records import Category, decided
from selfj.collect.categories.wording import CategoryEncoder
from selfj.collect.embedded.rows import Remaining, without_category
from selfj.collect_settings import AskedCategorySettings
from selfj.config import Settings
from selfj.engine import Engine
from selfj.labels import normalised_probabilities
from selfj.parts import MadePart
from selfj.prompts import PromptEncoder, PromptTooLong
from selfj.records import to_table
from selfj.run import RunFolder

UNIT = "probability"
_AT_A_TIME = 1000
"""Instructions whose prompts are in memory together."""


class CategoryAsker:
    """Asks one model for categories.

    Raises ModelError if its tokenizer does not write the numbers as single tokens.
    """

    def __init__(self, engine: Engine, prompts: str, settings: AskedCategorySettings) -> None:
        """`prompts`: a key of wording.CATEGORY_PROMPTS."""
        self.engine = engine
        self.settings = settings
        encoder = PromptEncoder(engine.tokenizer, "standard", engine.context - 1)
        self.encoder = CategoryEncoder(encoder, prompts, settings.categories)
        self.names = list(settings.categories)
        self.turns = range(len(self.names) if settings.rotate else 1)

    def ask(self, keys: Sequence[str], instructions: Sequence[str]) -> list[Category]:
        """The category of each instruction, or why it has none."""
        encoded = [self._encode(text) for text in instructions]
        asked = [prompts for prompts in encoded if isinstance(prompts, list)]
        scores, mass = self._probabilities(asked)
        chosen = [key for key, prompts in zip(keys, encoded, strict=True) if isinstance(prompts, list)]
        found = iter(decided(chosen, self.names, scores, self.settings.min_probability, 0.0, UNIT))
        masses = iter(mass.tolist())
        return [
            _with_mass(next(found), next(masses)) if isinstance(prompts, list) else Category(key, None, None, None, None, prompts)
            for key, prompts in zip(keys, encoded, strict=True)
        ]

    def _encode(self, instruction: str) -> list[list[int]] | str:
        try:
            return [self.encoder.ids(instruction, turn) for turn in self.turns]
        except PromptTooLong as problem:
            return f"prompt too long: {problem}"

    def _probabilities(self, asked: list[list[list[int]]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean probability of each category over the turns, (rows, categories), and of all numbers together, (rows,).

        Prompts of one turn stand together: they begin alike, and the engine computes that once.
        """
        prompts = [of_one[turn] for turn in self.turns for of_one in asked]
        logprobs = self.engine.label_logprobs(prompts, self.encoder.labels)
        shares, mass = normalised_probabilities(logprobs.reshape(-1, len(self.names)))
        by_turn = shares.reshape(len(self.turns), len(asked), len(self.names))
        turned_back = [np.roll(of_turn, turn, axis=1) for turn, of_turn in zip(self.turns, by_turn, strict=True)]
        return np.mean(turned_back, axis=0), mass.reshape(len(self.turns), len(asked)).mean(axis=0)


def _with_mass(found: Category, mass: float) -> Category:
    found.mass = mass if found.score is not None else None
    return found


class AskedMaker:
    """Makes part k of `categories` from part k of `unique`."""

    def __init__(self, settings: Settings, remaining: Remaining) -> None:
        chosen = settings.collect.classifier
        engine = Engine(settings.policy, settings.engine, seed=settings.seed)
        self.asker = CategoryAsker(engine, settings.prompts, chosen.asked)
        self.only_missing = chosen.rows == "missing"
        self.remaining = remaining

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The category of each instruction of one part, or why it has none."""
        rows = self.remaining.rows(run, part, ["instruction_id", "instruction", "category"])
        rows = without_category(rows) if self.only_missing else rows
        made = [self._asked(rows.slice(start, _AT_A_TIME)) for start in range(0, max(1, rows.num_rows), _AT_A_TIME)]
        return MadePart(pa.concat_tables(made), [], rows.num_rows)

    def _asked(self, rows: pa.Table) -> pa.Table:
        keys, texts = (rows.column(name).to_pylist() for name in ("instruction_id", "instruction"))
        return to_table(Category, self.asker.ask(keys, texts))
