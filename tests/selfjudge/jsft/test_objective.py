"""The loss beside a plain one that is written out position by position, and the figures beside verdicts counted by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from selfj.selfjudge.jsft.examples import JUDGE, SFT, Facts
from selfj.selfjudge.jsft.objective import JudgeAugmented
from selfj.selfjudge.pairwise import verdict_of
from selfj.training.batches import Batch, collate
from selfj.training.examples import TRAIN, Example

LABELS = (7, 8)
OBJECTIVE = JudgeAugmented(LABELS, quotas=(1, 2), judge_weight=0.5, rationale_weight=0.25, principles=("overall",))
ANSWER = Example("a", TRAIN, [[1, 2, 3]], [[4, 5, 6, 2]], Facts(SFT, 1.0))
DECISION = Example("d", TRAIN, [[1, 2, 3, 4]], [[7]], Facts(JUDGE, 1.0, 0, 1, 1, 0.5))
REASONED = Example("r", TRAIN, [[1, 2]], [[8, 5, 6]], Facts(JUDGE, 1.0, 0, 0, 1, 0.5))


def batch_and_logits(examples: list[Example]) -> tuple[Batch, torch.Tensor]:
    batch = collate(examples, pad=0)
    torch.manual_seed(0)
    return batch, torch.randn(*batch.targets.shape, 10)


def entropies(batch: Batch, logits: torch.Tensor, place: int) -> list[float]:
    """Cross entropies of an example's targets, one after another."""
    found = []
    for position, target in enumerate(batch.targets[place, 0].tolist()):
        if target >= 0:
            found.append(-math.log(math.exp(logits[place, 0, position, target]) / sum(map(math.exp, logits[place, 0, position]))))
    return found


def test_answers_decisions_and_rationales_have_the_losses_written_out():
    batch, logits = batch_and_logits([ANSWER, DECISION, REASONED])
    losses = OBJECTIVE.losses(logits, batch)
    answer, decision, reasoned = (entropies(batch, logits, place) for place in range(3))
    assert [len(answer), len(decision), len(reasoned)] == [4, 1, 3]
    assert losses["loss"].tolist() == pytest.approx(
        [np.mean(answer), 0.5 * decision[0], 0.5 * (reasoned[0] + 0.25 * np.mean(reasoned[1:]))]
    )


def test_parts_of_the_loss_are_means_over_their_kind():
    batch, logits = batch_and_logits([ANSWER, DECISION, REASONED])
    losses = OBJECTIVE.losses(logits, batch)
    answer, decision, reasoned = (entropies(batch, logits, place) for place in range(3))
    assert losses["lm"].mean().item() == pytest.approx(np.mean(answer))
    assert losses["judge"].mean().item() == pytest.approx((decision[0] + reasoned[0]) / 2)


def test_a_kind_that_batches_do_not_hold_has_no_part():
    batch, logits = batch_and_logits([ANSWER])
    assert set(replace(OBJECTIVE, quotas=(1, 0)).losses(logits, batch)) == {"loss", "lm"}


def test_the_probabilities_are_those_of_the_raw_distribution_at_the_label():
    batch, logits = batch_and_logits([DECISION, REASONED])
    found = OBJECTIVE.predictions(logits, batch)
    positions = [batch.targets[place, 0].tolist().index(label) for place, label in enumerate(LABELS)]
    for name, label in zip(("first", "second"), LABELS, strict=True):
        expected = [torch.softmax(logits[place, 0, position], -1)[label].item() for place, position in enumerate(positions)]
        assert found[name].tolist() == pytest.approx(expected)


def test_gradients_reach_nothing_but_the_targets():
    batch, logits = batch_and_logits([ANSWER, DECISION])
    logits.requires_grad_()
    OBJECTIVE.losses(logits, batch)["loss"].sum().backward()
    assert logits.grad is not None
    moved = logits.grad.abs().sum(dim=-1) > 0
    assert moved.tolist() == (batch.targets >= 0).tolist()


def validation(rows: list[tuple[Facts, float, float]], principles: tuple[str, ...] = ("overall",)) -> dict[str, float]:
    """Figures of judge examples with the probabilities of first and second."""
    predictions = {
        "answer": np.zeros(len(rows)),
        "decision": np.ones(len(rows)),
        "rationale": np.zeros(len(rows)),
        "first": np.array([first for _, first, _ in rows]),
        "second": np.array([second for _, _, second in rows]),
    }
    numbers = np.array([list(facts) for facts, _, _ in rows])
    return replace(OBJECTIVE, principles=principles).summary(predictions, numbers)


def judged(pair: int, chosen_first: int, gap: float = 0.5, principle: int = 0, preferred: float = 1) -> Facts:
    return Facts(JUDGE, pair, principle, chosen_first, preferred, gap)


def test_accuracy_is_that_of_the_verdicts_over_both_orders():
    figures = validation(
        [
            *((judged(1, 1), 0.8, 0.1), (judged(1, 0), 0.3, 0.6)),  # right in both orders
            *((judged(2, 0), 0.9, 0.1), (judged(2, 1), 0.7, 0.2)),  # always the first: right and wrong, and wrong together
            *((judged(3, 1, gap=0.1), 0.2, 0.7), (judged(3, 0, gap=0.1), 0.6, 0.3)),  # wrong in both
        ]
    )
    assert figures["pairs"] == 3 and figures["clear_pairs"] == 2
    assert figures["accuracy"] == pytest.approx(1 / 3)
    assert figures["accuracy_chosen_first"] == pytest.approx(2 / 3)
    assert figures["accuracy_rejected_first"] == pytest.approx(1 / 3)
    assert figures["flip_rate"] == pytest.approx(1 / 3)
    assert (figures["clear_accuracy"], figures["clear_flip_rate"]) == (0.5, 0.5)
    assert verdict_of(np.array([[[0.7, 0.2], [0.1, 0.9]]])).preferred == "b"


def test_a_pair_that_was_judged_in_one_order_only_is_left_out():
    figures = validation([(judged(1, 1), 0.8, 0.1), (judged(2, 1), 0.8, 0.1), (judged(2, 0), 0.1, 0.8)])
    assert (figures["pairs"], figures["accuracy"]) == (1, 1)


def test_principles_vote_and_are_also_counted_alone():
    rows = []
    for principle, preferred, (first, second) in ((0, 1, (0.8, 0.1)), (1, 0, (0.3, 0.6)), (2, float("nan"), (0.9, 0.0))):
        rows += [
            (judged(1, 1, 0.5, principle, preferred), first, second),
            (judged(1, 0, 0.5, principle, preferred), second, first),
        ]
    figures = validation(rows, ("overall", "honesty", "truthfulness"))
    assert figures["accuracy"] == 1
    assert (figures["accuracy_overall"], figures["accuracy_honesty"]) == (1, 1)
    assert "accuracy_truthfulness" not in figures


def test_losses_of_a_validation_are_means_over_their_kind():
    numbers = np.array([list(Facts(SFT, 1)), list(Facts(SFT, 2)), list(judged(1, 1)), list(judged(1, 0, preferred=float("nan")))])
    predictions = {name: np.array([1.0, 2.0, 5.0, 7.0]) for name in ("answer", "decision", "rationale", "first", "second")}
    figures = OBJECTIVE.summary(predictions, numbers)
    assert (figures["lm"], figures["judge"], figures["rationale"]) == (1.5, 5.0, 5.0)


def test_without_verdicts_there_are_only_losses():
    figures = OBJECTIVE.summary(
        {name: np.array([1.0]) for name in ("answer", "decision", "rationale", "first", "second")},
        np.array([list(Facts(SFT, 1))]),
    )
    assert figures == {"lm": 1.0}
