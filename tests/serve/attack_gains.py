"""What attacks gain with a judge: the pocket policy's weights as they are, or a run's trained judge, in the prompts they get."""

import contextlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.judge.judge import JudgeFolder
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


@dataclass(frozen=True)
class Judge:
    """What rates answers."""

    encoder: PromptEncoder
    scorer: Scorer


def pocket_judge() -> Judge:
    """The pocket policy with its own weights."""
    encoder = pocket_encoder()
    digits = [encoder.tokenizer.convert_tokens_to_ids(str(digit)) for digit in range(10)]
    return Judge(encoder, scorer(str(POLICY), digits))


def trained_judge(folder: JudgeFolder) -> Judge:
    """A run's judge. One that is a LoRA adapter is put on its base."""
    tokenizer = load_tokenizer(folder.model, folder.chat_template, folder.revision)
    encoder = PromptEncoder(tokenizer, folder.prompts, folder.max_prompt_tokens)
    return Judge(encoder, scorer(folder.model, folder.label_token_ids, folder.path if folder.adapter else None))


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


def gains(judge: Judge, attacks: Sequence[Attack], cases: Sequence[Case], *, shown: bool) -> NDArray[np.float64]:
    """(attacks, cases) scores of attacked answers less those of the same answers alone. `shown`: the judge sees the reference."""
    plain, attacked = scores(judge, attacks, cases, shown=shown)
    return attacked - plain


def scores(
    judge: Judge, attacks: Sequence[Attack], cases: Sequence[Case], *, shown: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(cases,) scores of wrong answers alone and (attacks, cases) scores of the attacked ones, 0 to 9."""

    def prompt(case: Case, answer: str) -> list[int]:
        return judge.encoder.rating_ids(case.item.instruction, answer, case.item.reference if shown else None)

    plain = judge.scorer([prompt(case, case.answer) for case in cases])
    attacked = judge.scorer([prompt(case, attack.on(case.answer)) for attack in attacks for case in cases])
    return plain, attacked.reshape(len(attacks), len(cases))


def scorer(model: str, digits: Sequence[int], adapter: str | None = None) -> Scorer:
    """A model folder, by transformers; `digits`: token ids of 0 to 9; `adapter`: folder of a LoRA adapter for it."""
    import torch
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    if adapter is not None:
        from peft import PeftModel

        network = PeftModel.from_pretrained(network, adapter)
    network.eval()

    @torch.inference_mode()
    def score(prompts: Sequence[list[int]]) -> NDArray[np.float64]:
        found = np.zeros(len(prompts))
        order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
        for rows in (order[start : start + 32] for start in range(0, len(order), 32)):
            ids, mask = _left_padded([prompts[row] for row in rows])
            places = (mask.cumsum(1) - 1).clamp(min=0)
            logits = network(input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=1).logits
            found[rows] = logits[:, -1, list(digits)].double().softmax(-1).numpy() @ np.arange(10)
        return found

    return score


def _left_padded(prompts: Sequence[list[int]]) -> Any:
    import torch

    length = max(map(len, prompts))
    ids = torch.tensor([[0] * (length - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask
