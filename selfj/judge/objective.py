"""Self-distillation (METHOD.md A, loss): the same weights as teacher, with the reference in view, and as student without."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from selfj.training.batches import Batch
from selfj.training.objective import LOSS

if TYPE_CHECKING:
    import torch

_DIGIT = 0
"""Place of the digit among an example's targets; the end-of-sequence token follows it."""


@dataclass(frozen=True)
class SelfDistillation:
    """`teacher_weight · CE(teacher) + student_weight · CE(student) + distillation_weight · KL(stop_grad(teacher) ‖ student)`.

    Rows of an example are its teacher and its student prompt, or, if neither the teacher's cross entropy nor the
    distillation has any weight (the ablation without self-distillation), the student prompt alone.
    """

    label_ids: tuple[int, ...]
    """Token of each label, 0 to 9."""
    teacher_weight: float = 1.0
    student_weight: float = 0.3
    distillation_weight: float = 2.0

    @property
    def with_teacher(self) -> bool:
        """Whether examples have a teacher row."""
        return self.teacher_weight > 0 or self.distillation_weight > 0

    def losses(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Loss, cross entropies (mean over digit and end-of-sequence) and KL divergence (full vocabulary, at the digit).

        `logits`: (examples, rows, 2, vocabulary). Returns (examples,) each, in float32.
        """
        import torch

        logprobs = torch.log_softmax(logits.float(), dim=-1)
        entropies = -logprobs.gather(-1, batch.targets.unsqueeze(-1)).squeeze(-1).mean(dim=-1)
        student = entropies[:, -1]
        if not self.with_teacher:
            return {LOSS: self.student_weight * student, "student": student}
        divergence = _divergence(logprobs[:, 0, _DIGIT].detach(), logprobs[:, 1, _DIGIT])
        teacher = entropies[:, 0]
        loss = self.teacher_weight * teacher + self.student_weight * student + self.distillation_weight * divergence
        return {LOSS: loss, "teacher": teacher, "student": student, "kl": divergence}

    def predictions(self, logits: "torch.Tensor", batch: Batch) -> "dict[str, torch.Tensor]":
        """Expected label, 0 to 9, of student and teacher: (examples,) each."""
        import torch

        digits = logits[:, :, _DIGIT][..., list(self.label_ids)].float()
        scores = torch.softmax(digits, dim=-1) @ torch.arange(len(self.label_ids), dtype=torch.float32, device=logits.device)
        named = {"student": scores[:, -1]}
        return {"teacher": scores[:, 0], **named} if self.with_teacher else named

    def summary(self, predictions: dict[str, NDArray[np.float64]], numbers: NDArray[np.float64]) -> dict[str, float]:
        """Pearson correlation of each prediction with the label-free quality; left out where one of them does not vary."""
        quality = numbers[:, 0]
        found = {f"{name}_pearson": _pearson(scores, quality) for name, scores in predictions.items()}
        return {name: value for name, value in found.items() if np.isfinite(value)}


def _divergence(teacher: "torch.Tensor", student: "torch.Tensor") -> "torch.Tensor":
    """KL(teacher ‖ student) of log-probabilities over the last dimension."""
    return (teacher.exp() * (teacher - student)).sum(dim=-1)


def _pearson(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    if len(left) < 2 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])
