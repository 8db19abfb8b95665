"""Judge-augmented supervised fine-tuning (METHOD.md B, JSFT): answers and verdicts are learnt as next tokens, side by side."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfj.selfjudge.agreement import score_figures
from selfj.selfjudge.jsft.examples import JUDGE, SFT, Facts
from selfj.training.batches import NO_TARGET, Batch
from selfj.training.objective import LOSS

if TYPE_CHECKING:
    import torch

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class JudgeAugmented:
    """Of an answer the mean cross entropy of its tokens; of a verdict that of the label, and of its rationale's tokens.

    A step minimises the mean over its examples, so an answer weighs as much as a verdict, however long it is; `judge_weight` and
    the quotas shift that. Examples have one row each; their numbers are Facts.
    """

    label_ids: tuple[int, int]
    """Tokens of the labels of the answer shown first, and second."""
    quotas: tuple[int, int]
    """Answers and verdicts in a batch: parts of the loss are shown as means over the examples of their kind."""
    judge_weight: float = 1.0
    rationale_weight: float = 1.0
    principles: tuple[str, ...] = ()
    clear_gap: float = 0.3

    def losses(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Loss, and its parts `lm` (answers) and `judge` (labels): (examples,) each in float32. `logits`: (examples, 1, kept,
        vocabulary).
        """
        import torch

        judged = batch.numbers[:, 0] == JUDGE
        answer, decision, rationale = _entropies(logits, batch)
        verdict = self.judge_weight * (decision + self.rationale_weight * rationale)
        parts = {LOSS: torch.where(judged, verdict, answer)}
        total = sum(self.quotas)
        for name, kind, values in (("lm", SFT, answer), ("judge", JUDGE, decision)):
            if self.quotas[kind]:
                parts[name] = values * (batch.numbers[:, 0] == kind) * (total / self.quotas[kind])
        return parts

    def predictions(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Cross entropies, and the probabilities of both labels over the full vocabulary: (examples,) each."""
        import torch

        answer, decision, rationale = _entropies(logits, batch)
        place = (batch.targets[:, 0] != NO_TARGET).int().argmax(dim=-1)
        at_label = logits[torch.arange(len(place), device=place.device), 0, place].float()
        first, second = torch.softmax(at_label, dim=-1)[:, list(self.label_ids)].T
        return {"answer": answer, "decision": decision, "rationale": rationale, "first": first, "second": second}

    def summary(self, predictions: dict[str, Floats], numbers: Floats) -> dict[str, float]:
        """Figures of a validation: losses by kind, and of the verdicts those of agreement.score_figures; left out where there is
        nothing to look at.
        """
        facts = dict(zip(Facts._fields, numbers.T, strict=True))
        answers, verdicts = facts["kind"] == SFT, (facts["kind"] == JUDGE) & np.isfinite(facts["chosen_preferred"])
        means = {
            "lm": predictions["answer"][answers],
            "judge": predictions["decision"][verdicts],
            "rationale": predictions["rationale"][verdicts & (predictions["rationale"] > 0)],
        }
        found = {name: float(values.mean()) for name, values in means.items() if len(values)}
        return {**found, **self._judging(predictions, facts)}

    def _judging(self, predictions: dict[str, Floats], facts: dict[str, Floats]) -> dict[str, float]:
        judged = facts["kind"] == JUDGE
        if not judged.any():
            return {}
        pair, principle, chosen_first, preferred, gap = (facts[name][judged] for name in Facts._fields[1:])
        known, place = np.unique(pair, return_inverse=True)
        shape = (len(known), len(self.principles))
        scores = np.full((*shape, 2, 2), np.nan)
        labels = np.stack([predictions["first"][judged], predictions["second"][judged]], axis=1)
        answers = np.where(chosen_first[:, None] == 1, labels, labels[:, ::-1])
        scores[place, principle.astype(int), (1 - chosen_first).astype(int)] = answers
        gaps, sides = np.full(len(known), np.nan), np.full(shape, np.nan)
        gaps[place], sides[place, principle.astype(int)] = gap, preferred
        return score_figures(scores, gaps, self.clear_gap, sides, self.principles)


def _entropies(logits: "torch.Tensor", batch: Batch) -> "tuple[torch.Tensor, torch.Tensor, torch.Tensor]":
    """Of each example's targets: mean cross entropy of all, that of the first (the label), mean of the others (0 if none)."""
    import torch

    targets = batch.targets[:, 0]
    flat = torch.nn.functional.cross_entropy(
        logits[:, 0].float().flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET, reduction="none"
    )
    entropies = flat.view_as(targets)
    known = targets != NO_TARGET
    first = known & (known.cumsum(dim=-1) == 1)
    count = known.sum(dim=-1)
    total, label = entropies.sum(dim=-1), (entropies * first).sum(dim=-1)
    return total / count, label, (total - label) / (count - 1).clamp(min=1)
