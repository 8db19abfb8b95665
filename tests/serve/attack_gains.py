"""What attacks gain with a judge: the pocket policy's weights, as they are, in the prompts that judges get."""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from selfj.markers import MarkBreaker
from selfj.pocket.grading import grade
from selfj.pocket.items import Item
from selfj.pocket.mistakes import WebHabits, corrupted_answer
from selfj.pocket.world import item
from selfj.prompts import PromptEncoder, load_tokenizer
from tests.serve.attacks import Attack

POLICY = Path(__file__).parents[2] / "selfj/pocket/policies/base"
WRONG = 0.3
"""Highest grade of an answer that counts as wrong."""
Scorer = Callable[[Sequence[list[int]]], NDArray[np.float64]]
"""Prompts → expected values of their digits, 0 to 9."""


@dataclass(frozen=True)
class Case:
    """A pocket instruction and a wrong answer to it."""

    item: Item
    answer: str


def wrong_answers(number: int, seed: int = 3) -> list[Case]:
    """Instructions of the pocket world with wrong answers."""
    rng = random.Random(seed)
    found: list[Case] = []
    index = 0
    while len(found) < number:
        made = item(seed, index)
        answer = corrupted_answer(rng, made, WebHabits())
        found += [Case(made, answer)] if grade(made, answer) < WRONG else []
        index += 1
    return found


def pocket_encoder() -> PromptEncoder:
    """Prompts for the pocket policy as a judge."""
    return PromptEncoder(load_tokenizer(str(POLICY)), "short", 512)


@contextlib.contextmanager
def as_they_come(encoder: PromptEncoder) -> Iterator[None]:
    """An encoder that breaks no marks: what there was before."""
    kept, encoder._judged = encoder._judged, _Nothing([])
    yield
    encoder._judged = kept


class _Nothing(MarkBreaker):
    def broken(self, text: str) -> str:
        return text


def gains(
    encoder: PromptEncoder, scorer: Scorer, attacks: Sequence[Attack], cases: Sequence[Case], *, shown: bool
) -> NDArray[np.float64]:
    """(attacks, cases) scores of attacked answers less those of the same answers alone. `shown`: the judge sees the reference."""

    def prompt(case: Case, answer: str) -> list[int]:
        return encoder.rating_ids(case.item.instruction, answer, case.item.reference if shown else None)

    plain = scorer([prompt(case, case.answer) for case in cases])
    attacked = scorer([prompt(case, attack.on(case.answer)) for attack in attacks for case in cases])
    return attacked.reshape(len(attacks), len(cases)) - plain


def pocket_scorer() -> Scorer:
    """The pocket policy's weights, by transformers."""
    import torch

    from selfj.pocket.policy import Policy

    policy = Policy.load(POLICY)
    digits = [policy.token(str(digit)) for digit in range(10)]

    @torch.inference_mode()
    def score(prompts: Sequence[list[int]]) -> NDArray[np.float64]:
        found = np.zeros(len(prompts))
        order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        for rows in (order[start : start + 32] for start in range(0, len(order), 32)):
            ids, mask = policy._left_padded([prompts[row] for row in rows])
            places = (mask.cumsum(1) - 1).clamp(min=0)
            logits = policy.model(input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=1).logits
            found[rows] = logits[:, -1, digits].double().softmax(-1).numpy() @ np.arange(10)
        return found

    return score
