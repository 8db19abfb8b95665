"""Losses on a preferred and a rejected answer: direct preference optimisation and its kin (METHOD.md B, self-training)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

PreferenceLoss = Literal["sigmoid", "hinge", "ipo"]


@dataclass(frozen=True)
class Sequences:
    """Answers under a model: (answers,) each, float32."""

    logprobs: "torch.Tensor"
    """Summed natural-log probability of an answer's tokens."""
    tokens: "torch.Tensor"
    """How many they are."""


def sequences(logits: "torch.Tensor", targets: "torch.Tensor", ignored: int) -> Sequences:
    """`logits`: (…, kept, vocabulary); `targets`: (…, kept), `ignored` where nothing is predicted. Returns (…,) each."""
    import torch

    known = targets != ignored
    logprobs = torch.log_softmax(logits.float(), dim=-1)
    chosen = logprobs.gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1)
    return Sequences((chosen * known).sum(dim=-1), known.sum(dim=-1).float())


def preference_losses(
    chosen: "torch.Tensor",
    rejected: "torch.Tensor",
    beta: float,
    kind: PreferenceLoss,
    tokens: "tuple[torch.Tensor, torch.Tensor]",
) -> "torch.Tensor":
    """Loss of each pair, (pairs,), from the log-ratios policy / reference of its two answers.

    With the margin m = chosen - rejected: sigmoid `-log σ(β m)` (Rafailov et al. 2023, DPO), hinge `max(0, 1 - β m)` (Zhao et al.
    2023, SLiC), ipo `(m' - 1 / 2β)²` (Azar et al. 2023), in which m' is the difference of the means over each answer's `tokens`
    (chosen's, rejected's), as its authors have it.
    """
    import torch

    if kind == "sigmoid":
        return -torch.nn.functional.logsigmoid(beta * (chosen - rejected))
    if kind == "hinge":
        return torch.relu(1 - beta * (chosen - rejected))
    mean_chosen, mean_rejected = (ratio / count.clamp(min=1) for ratio, count in zip((chosen, rejected), tokens, strict=True))
    return (mean_chosen - mean_rejected - 1 / (2 * beta)) ** 2
