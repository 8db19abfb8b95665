"""Which prompts are answered when, and the given pairs of offline learning."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from selfj.errors import DataError
from selfj.judge.encode import end_id
from selfj.prompts import PromptEncoder
from selfj.records import Rejected, from_table, rejected, stable_seed
from selfj.run import RunFolder
from selfj.selfjudge.preferences.table import Preference, Prompt
from selfj.selfjudge.self_training.rows import IDENTICAL, JudgedPair
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.self_training.task import PROMPTS, TEST, TRAIN_SPLIT
from selfj.training.batches import BatchPlan

STEP = "self_training"


@dataclass(frozen=True)
class Asked:
    """A prompt, and which pass over the prompts it belongs to."""

    prompt: Prompt
    number: int


def read_prompts(run: RunFolder, split: str) -> list[Prompt]:
    """The run's prompts of a split, by id. Raises DataError if there are none."""
    table = run.table("prompts")
    rows = [row for part in table.parts() for row in from_table(Prompt, table.read(part)) if row.split == split]
    if not rows:
        raise DataError(f"{run.address}/prompts: no prompt of the split {split}; raise preferences.{split}_fraction")
    return sorted(rows, key=lambda row: row.instruction_id)


class PromptStream:
    """The prompts of self-training in an order that the seed decides: pass after pass over all of them."""

    def __init__(self, run: RunFolder, how: SelfTrainingSettings, seed: int) -> None:
        self.prompts = read_prompts(run, PROMPTS)
        self.how = how
        self.seed = seed

    def round(self, number: int) -> list[Asked]:
        """Prompts of a round that samples anew."""
        size, count = self.how.round_prompts, len(self.prompts)
        places = BatchPlan(np.zeros(count, np.int64), 1, size, 1, 1, self.seed).batch(number)
        return [Asked(self.prompts[place], (number * size + rank) // count) for rank, place in enumerate(places.tolist())]

    def once(self, part: int) -> list[Asked]:
        """Part of the prompts that all rounds together ask, each prompt once: what is sampled from the start."""
        return [asked for asked in self.round(part) if asked.number == 0]

    @property
    def parts(self) -> list[int]:
        """Parts of these: as many as there are rounds, unless the prompts are used up before."""
        return list(range(min(self.how.rounds, -(-len(self.prompts) // self.how.round_prompts))))


def probe_prompts(run: RunFolder, count: int) -> list[Prompt]:
    """Held-out prompts, the same ones whatever the run's seed: those with the lowest hashes."""
    return sorted(read_prompts(run, TEST), key=lambda row: stable_seed("probe", row.instruction_id))[:count]


def given_pairs(run: RunFolder, encoder: PromptEncoder, how: SelfTrainingSettings) -> Iterator[JudgedPair | Rejected]:
    """The run's preferences as pairs to learn from; one that is too long is rejected.

    Raises DataError if there are none.
    """
    table = run.table("preferences")
    rows = [row for part in table.parts() for row in from_table(Preference, table.read(part)) if row.split == TRAIN_SPLIT]
    if not rows:
        raise DataError(f"{run.address}/preferences: no pair of the split {TRAIN_SPLIT}")
    rows.sort(key=lambda row: stable_seed("offline", row.pair_id))
    for row in rows[: how.max_examples]:
        yield _given(row, encoder, how.max_tokens)


def _given(row: Preference, encoder: PromptEncoder, max_tokens: int) -> JudgedPair | Rejected:
    prompt, better = encoder.answered_ids(row.turns, row.chosen)
    worse = encoder.answered_ids(row.turns, row.rejected)[1]
    end = end_id(encoder)
    longest = len(prompt) + max(len(better), len(worse)) + 1
    if longest > max_tokens:
        reason = f"prompt and answer take {longest} tokens, {max_tokens} is the most"
        return rejected(STEP, row.source, reason, row=row.row, field="chosen", key=row.pair_id, content=row.instruction)
    same = row.chosen == row.rejected
    return JudgedPair(
        instruction_id=row.pair_id,
        number=0,
        response_a=row.chosen,
        response_b=row.rejected,
        prompt_ids=prompt,
        ids_a=[*better, end],
        ids_b=[*worse, end],
        score_a=None,
        score_b=None,
        flips=None,
        preferred=None if same else "a",
        left_out=IDENTICAL if same else None,
        reason=None,
        grade_a=row.score_chosen,
        grade_b=row.score_rejected,
    )


def too_long(prompt: Prompt, tokens: int, context: int) -> Rejected:
    """A prompt that leaves no room for an answer."""
    reason = f"the prompt takes {tokens} tokens, the model's context is {context}"
    return rejected(
        STEP, prompt.source, reason, row=prompt.row, field="instruction", key=prompt.instruction_id, content=prompt.instruction
    )
