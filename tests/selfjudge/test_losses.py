import math

import pytest
import torch

from selfj.selfjudge.losses import preference_losses, sequences

IGNORED = -100


def test_the_log_probability_of_a_sequence_is_the_sum_over_its_own_tokens():
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 5)
    targets = torch.tensor([[IGNORED, 1, 4], [0, 2, 3]])
    found = sequences(logits, targets, IGNORED)
    logprobs = torch.log_softmax(logits, dim=-1)
    assert found.logprobs[0].item() == pytest.approx((logprobs[0, 1, 1] + logprobs[0, 2, 4]).item())
    assert found.logprobs[1].item() == pytest.approx((logprobs[1, 0, 0] + logprobs[1, 1, 2] + logprobs[1, 2, 3]).item())
    assert found.tokens.tolist() == [2, 3]


def test_the_three_losses_have_their_published_values():
    chosen, rejected = torch.tensor([2.0, -1.0]), torch.tensor([0.5, 1.0])
    tokens = torch.tensor([4.0, 2.0]), torch.tensor([1.0, 5.0])
    sigmoid = preference_losses(chosen, rejected, 0.1, "sigmoid", tokens)
    hinge = preference_losses(chosen, rejected, 0.1, "hinge", tokens)
    ipo = preference_losses(chosen, rejected, 0.1, "ipo", tokens)
    margins = [1.5, -2.0]
    assert sigmoid.tolist() == pytest.approx([math.log1p(math.exp(-0.1 * m)) for m in margins])
    assert hinge.tolist() == pytest.approx([1 - 0.1 * m for m in margins])
    assert ipo.tolist() == pytest.approx([(2 / 4 - 0.5 / 1 - 5) ** 2, (-1 / 2 - 1 / 5 - 5) ** 2])


def test_a_hinge_is_flat_where_the_margin_is_large_enough():
    margin = torch.tensor([11.0], requires_grad=True)
    preference_losses(margin, torch.zeros(1), 0.1, "hinge", (torch.ones(1), torch.ones(1))).sum().backward()
    assert margin.grad is not None and margin.grad.item() == 0


@pytest.mark.parametrize("kind", ["sigmoid", "hinge", "ipo"])
def test_every_loss_falls_as_the_preferred_answer_becomes_likelier(kind):
    chosen = torch.tensor([0.3], requires_grad=True)
    preference_losses(chosen, torch.tensor([0.1]), 0.1, kind, (torch.ones(1), torch.ones(1))).sum().backward()
    assert chosen.grad is not None and chosen.grad.item() < 0
