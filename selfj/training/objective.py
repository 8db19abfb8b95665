"""What the loop asks of an objective: a loss on the logits at the target positions, and what to show of a validation."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from selfj.training.batches import Batch

if TYPE_CHECKING:
    import torch

LOSS = "loss"
"""The part that is minimised."""


class Objective(Protocol):
    """What is learnt. It is sent to every training process, so it holds plain values only."""

    def losses(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Loss and its parts of each example: (examples,) in float32, with the sum to be minimised under "loss".

        `logits`: (examples, rows, kept, vocabulary); `[..., i, :]` predicts `batch.targets[..., i]`. The loop takes the
        mean over the examples of a step, whichever worker and micro-batch they are in.
        """

    def predictions(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """What is predicted for each example of a validation, by name: (examples,)."""

    def summary(self, predictions: dict[str, NDArray[np.float64]], numbers: NDArray[np.float64]) -> dict[str, float]:
        """Figures of a validation from all predictions, (examples,) each, and the examples' numbers, (examples, numbers)."""
