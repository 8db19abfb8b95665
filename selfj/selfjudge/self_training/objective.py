"""Direct preference optimisation of a pair (METHOD.md B, on-policy self-training): the policy beside the start it came from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfj.selfjudge.losses import PreferenceLoss, preference_losses, sequences
from selfj.training.batches import NO_TARGET, Batch
from selfj.training.objective import LOSS

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DirectPreference:
    """An example's rows are its preferred and its rejected answer; its numbers their log-probabilities under the reference."""

    kind: PreferenceLoss = "sigmoid"
    beta: float = 0.1

    def losses(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Loss; whether the implicit reward β·log(policy / reference) prefers the preferred answer; by how much; and the mean
        log(policy / reference) of the two answers, which on answers of the policy estimates its KL divergence.

        `logits`: (examples, 2, kept, vocabulary). Returns (examples,) each, in float32.
        """
        found = sequences(logits, batch.targets, NO_TARGET)
        chosen, rejected = (found.logprobs - batch.numbers[:, :2].to(found.logprobs.dtype)).unbind(dim=1)
        tokens = found.tokens[:, 0], found.tokens[:, 1]
        margin = self.beta * (chosen - rejected)
        return {
            LOSS: preference_losses(chosen, rejected, self.beta, self.kind, tokens),
            "accuracy": (margin > 0).float(),
            "margin": margin,
            "log_ratio": (chosen + rejected) / 2,
        }

    def predictions(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Nothing: held-out prompts are answered, not read (probes)."""
        return {}

    def summary(self, predictions: dict[str, NDArray[np.float64]], numbers: NDArray[np.float64]) -> dict[str, float]:
        """Nothing."""
        return {}
