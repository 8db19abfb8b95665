"""The loss of METHOD.md A, against a slow one written out from the formula."""

import math

import numpy as np
import pytest
import torch

from selfj.judge.objective import SelfDistillation
from selfj.training.batches import Batch, collate
from selfj.training.examples import Example

LABELS = tuple(range(3, 13))
VOCABULARY = 20
END = 1


def _batch(labels: list[int], rows: int = 2) -> Batch:
    examples = [
        Example(str(n), "train", [[5, 6]] * rows, [[LABELS[label], END]] * rows, [label / 9]) for n, label in enumerate(labels)
    ]
    return collate(examples, pad=0)


def _logits(examples: int, rows: int = 2, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(examples, rows, 2, VOCABULARY, generator=generator) * 3


def _probabilities(scores: list[float]) -> list[float]:
    weights = [math.exp(score) for score in scores]
    return [weight / sum(weights) for weight in weights]


def _written_out(logits: torch.Tensor, labels: list[int]) -> dict[str, float]:
    """Mean over the examples, one number at a time."""
    teacher = student = divergence = 0.0
    for example, label in zip(logits.double().tolist(), labels, strict=True):
        (teacher_digit, teacher_end), (student_digit, student_end) = (
            [_probabilities(scores) for scores in row] for row in example
        )
        teacher += -(math.log(teacher_digit[LABELS[label]]) + math.log(teacher_end[END])) / 2
        student += -(math.log(student_digit[LABELS[label]]) + math.log(student_end[END])) / 2
        divergence += sum(p * math.log(p / q) for p, q in zip(teacher_digit, student_digit, strict=True))
    count = len(labels)
    parts = {"teacher": teacher / count, "student": student / count, "kl": divergence / count}
    return {**parts, "loss": parts["teacher"] + 0.3 * parts["student"] + 2 * parts["kl"]}


def test_the_loss_is_that_of_the_formula():
    labels = [0, 4, 9, 4, 7]
    logits = _logits(len(labels))
    found = SelfDistillation(LABELS).losses(logits, _batch(labels))
    for name, expected in _written_out(logits, labels).items():
        assert found[name].mean().item() == pytest.approx(expected, abs=1e-5)


def test_the_weights_are_those_that_are_set():
    logits, batch = _logits(2), _batch([3, 8])
    found = SelfDistillation(LABELS, teacher_weight=0.5, student_weight=4.0, distillation_weight=0.25).losses(logits, batch)
    assert torch.allclose(found["loss"], 0.5 * found["teacher"] + 4.0 * found["student"] + 0.25 * found["kl"])


def test_the_distillation_teaches_the_student_alone():
    logits = _logits(2).requires_grad_()
    SelfDistillation(LABELS, teacher_weight=0.0, student_weight=0.0).losses(logits, _batch([3, 8]))["loss"].sum().backward()
    assert logits.grad is not None
    assert logits.grad[:, 0].abs().max() == 0
    assert logits.grad[:, 1, 0].abs().max() > 0
    assert logits.grad[:, 1, 1].abs().max() == 0, "the divergence is at the digit only"


def test_equal_teacher_and_student_do_not_diverge():
    logits = _logits(3)
    logits[:, 1] = logits[:, 0]
    assert SelfDistillation(LABELS).losses(logits, _batch([1, 2, 3]))["kl"].abs().max() < 1e-6


def test_without_self_distillation_there_is_no_teacher():
    objective = SelfDistillation(LABELS, teacher_weight=0.0, student_weight=1.0, distillation_weight=0.0)
    logits = _logits(2)
    alone = objective.losses(logits[:, 1:], _batch([3, 8], rows=1))
    assert not objective.with_teacher
    assert set(alone) == {"loss", "student"}
    assert torch.allclose(alone["loss"], SelfDistillation(LABELS).losses(logits, _batch([3, 8]))["student"])
    assert set(objective.predictions(logits[:, 1:], _batch([3, 8], rows=1))) == {"student"}


def test_half_precision_logits_are_computed_in_float32():
    logits = (_logits(2) * 30).bfloat16()
    found = SelfDistillation(LABELS).losses(logits, _batch([3, 8]))
    assert all(values.dtype == torch.float32 and torch.isfinite(values).all() for values in found.values())


def test_predictions_are_expected_labels_among_the_ten():
    logits = torch.full((1, 2, 2, VOCABULARY), -50.0)
    logits[0, 0, 0, LABELS[2]] = 0.0
    logits[0, 1, 0, LABELS[9]] = logits[0, 1, 0, LABELS[5]] = 0.0
    logits[0, :, 0, END] = 20.0  # mass outside the labels does not count
    found = SelfDistillation(LABELS).predictions(logits, _batch([2]))
    assert found["teacher"].item() == pytest.approx(2.0)
    assert found["student"].item() == pytest.approx(7.0)


def test_the_summary_correlates_each_prediction_with_the_quality():
    quality = np.array([[0.0], [0.5], [1.0]])
    found = SelfDistillation(LABELS).summary(
        {"teacher": np.array([1.0, 2.0, 3.0]), "student": np.array([5.0, 5.0, 5.0])}, quality
    )
    assert found == {"teacher_pearson": pytest.approx(1.0)}
