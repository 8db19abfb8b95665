"""A policy at work, without an engine: sample answers, rate with the reference, measure. For training and the card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from selfj.pocket.chat import END, PAD, answer_prompt, rating_prompt
from selfj.pocket.grading import grade
from selfj.pocket.items import Item

ROWS_AT_ONCE = 256


@dataclass
class Policy:
    """A causal model of transformers and its tokenizer."""

    model: Any
    tokenizer: Tokenizer

    @classmethod
    def load(cls, folder: Path) -> Policy:
        """Load a policy folder in single precision."""
        from transformers import LlamaForCausalLM

        model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        return cls(model, Tokenizer.from_file(str(folder / "tokenizer.json")))

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of every text."""
        return [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]

    def token(self, text: str) -> int:
        """Id of a text that is one token; ValueError if it is not."""
        token = self.tokenizer.token_to_id(text)
        if token is None:
            raise ValueError(f"{text!r} is not one token of this tokenizer")
        return token

    @torch.no_grad()
    def sample(self, instructions: Sequence[str], temperature: float, seed: int, max_tokens: int = 80) -> list[str]:
        """Answer every instruction once."""
        prompts = self.ids([answer_prompt(instruction) for instruction in instructions])
        answers: list[str] = [""] * len(prompts)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for rows in _by_length(prompts):
                for row, text in zip(
                    rows, self._sample_batch([prompts[row] for row in rows], temperature, max_tokens), strict=True
                ):
                    answers[row] = text
        return answers

    def _sample_batch(self, prompts: list[list[int]], temperature: float, max_tokens: int) -> list[str]:
        ids, mask = self._left_padded(prompts)
        end, pad = self.token(END), self.token(PAD)
        out = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=temperature,
            top_k=0,
            max_new_tokens=max_tokens,
            eos_token_id=end,
            pad_token_id=pad,
        )
        return self.tokenizer.decode_batch(out[:, ids.shape[1] :].tolist(), skip_special_tokens=True)

    @torch.no_grad()
    def digit_probabilities(self, prompts: Sequence[str]) -> NDArray[np.float64]:
        """(prompts, 10) probabilities of the digits as the next token, normalised over the ten."""
        encoded = self.ids(prompts)
        digits = [self.token(str(digit)) for digit in range(10)]
        found = np.zeros((len(encoded), 10))
        for rows in _by_length(encoded):
            ids, mask = self._left_padded([encoded[row] for row in rows])
            logits = self.model(
                input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0), logits_to_keep=1
            ).logits
            found[rows] = logits[:, -1, digits].double().softmax(-1).cpu().numpy()
        return found

    def ratings(self, items: Sequence[Item], responses: Sequence[str]) -> NDArray[np.float64]:
        """Expected digit, 0 to 9, of every response, with the reference in view."""
        prompts = [
            rating_prompt(item.instruction, item.reference, response) for item, response in zip(items, responses, strict=True)
        ]
        return self.digit_probabilities(prompts) @ np.arange(10)

    @torch.no_grad()
    def mean_log_likelihood(self, items: Sequence[Item], responses: Sequence[str]) -> NDArray[np.float64]:
        """Mean log probability of the tokens of every response, the end token included."""
        heads = self.ids([answer_prompt(item.instruction) for item in items])
        tails = self.ids([response + END for response in responses])
        whole = [head + tail for head, tail in zip(heads, tails, strict=True)]
        found = np.zeros(len(whole))
        for rows in _by_length(whole):
            ids, mask = self._left_padded([whole[row] for row in rows])
            logits = self.model(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0)).logits
            picked = logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])[..., 0]
            found[rows] = [float(picked[place, -len(tails[row]) :].mean()) for place, row in enumerate(rows)]
        return found

    def _left_padded(self, sequences: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        length = max(len(ids) for ids in sequences)
        ids = torch.tensor([[self.token(PAD)] * (length - len(row)) + row for row in sequences])
        mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in sequences])
        return ids.to(self.model.device), mask.to(self.model.device)


def _by_length(sequences: list[list[int]]) -> Iterator[list[int]]:
    """Yield row numbers, rows of similar length together."""
    order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
    return (order[start : start + ROWS_AT_ONCE] for start in range(0, len(order), ROWS_AT_ONCE))


def pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson correlation; NaN where one of the two is constant."""
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


@dataclass(frozen=True)
class Measurement:
    """A policy's answers to some items, with exact grades and the policy's own ratings."""

    items: list[Item]
    responses: list[str]
    grades: NDArray[np.float64]
    ratings: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]

    def family_rows(self) -> dict[str, NDArray[np.intp]]:
        """Row numbers of every family."""
        families = np.array([item.family for item in self.items])
        return {family: np.flatnonzero(families == family) for family in sorted(set(families))}

    def summary(self) -> dict[str, Any]:
        """Figures: mean grade, correlations with the exact grade overall and within families, and the same by family."""
        rows = self.family_rows()
        within = [pearson(self.ratings[at], self.grades[at]) for at in rows.values()]
        task_mean = np.zeros(len(self.grades))
        for at in rows.values():
            task_mean[at] = self.grades[at].mean()
        return {
            "mean_grade": round(float(self.grades.mean()), 3),
            "rating_pearson": round(pearson(self.ratings, self.grades), 3),
            "rating_pearson_within": round(float(np.nanmean(within)) if np.isfinite(within).any() else float("nan"), 3),
            "likelihood_pearson": round(pearson(self.log_likelihoods, self.grades), 3),
            "task_mean_pearson": round(pearson(task_mean, self.grades), 3),
            "family_grades": {family: round(float(self.grades[at].mean()), 2) for family, at in rows.items()},
            "family_rating_pearson": {family: round(value, 2) for family, value in zip(rows, within, strict=True)},
        }


def measure(policy: Policy, items: list[Item], temperature: float, seed: int) -> Measurement:
    """Let `policy` answer `items` once and rate itself."""
    responses = policy.sample([item.instruction for item in items], temperature, seed)
    return Measurement(
        items,
        responses,
        np.array([grade(item, response) for item, response in zip(items, responses, strict=True)]),
        policy.ratings(items, responses),
        policy.mean_log_likelihood(items, responses),
    )
