"""Label tokens, and what is read from their probabilities. Nothing else knows how a label becomes a token."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.errors import ModelError

DIGITS = tuple(str(digit) for digit in range(10))


def label_token_ids(tokenizer: Any, prompt: str, labels: Sequence[str] = DIGITS) -> list[int]:
    """Token ids of `labels` as they are written straight after `prompt`, one for each.

    Raises ModelError if in this context a label is not exactly one token of its own.
    """
    prefix = tokenizer.encode(prompt, add_special_tokens=False)
    ids = [_label_id(tokenizer, prompt, prefix, label) for label in labels]
    if len(set(ids)) < len(ids):
        raise ModelError(
            f"the tokenizer writes two of the labels {', '.join(labels)} as the same token; choose a model that tells them apart"
        )
    return ids


def _label_id(tokenizer: Any, prompt: str, prefix: list[int], label: str) -> int:
    ids = tokenizer.encode(prompt + label, add_special_tokens=False)
    kind = "digits" if label in DIGITS else "labels"
    if ids[: len(prefix)] != prefix or len(ids) != len(prefix) + 1:
        raise ModelError(
            f"the tokenizer does not write the label {label!r} as one token after the prompt "
            f"(it becomes {tokenizer.convert_ids_to_tokens(ids[len(prefix) :])}); choose a model whose {kind} are single tokens"
        )
    if ids[-1] == getattr(tokenizer, "unk_token_id", None):
        raise ModelError(f"the tokenizer has no token for the label {label!r}; choose a model whose {kind} are single tokens")
    return int(ids[-1])


def normalised_probabilities(logprobs: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities among the labels, and the mass they hold together.

    `logprobs`: (rows, labels), natural logarithms over the full vocabulary. Returns (rows, labels), each row summing to 1 or NaN
    where a logprob is not a number, and (rows,) in 0…1.
    """
    values = np.asarray(logprobs, dtype=np.float64)
    top = np.max(values, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        weights = np.exp(values - top)
        total = weights.sum(axis=1, keepdims=True)
        mass = np.exp(top[:, 0]) * total[:, 0]
        return weights / total, mass


def expected_value(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Expected label of (rows, labels) probabilities: 0 to labels - 1 (METHOD.md A, use)."""
    values = np.asarray(probabilities, dtype=np.float64)
    return values @ np.arange(values.shape[1], dtype=np.float64)
