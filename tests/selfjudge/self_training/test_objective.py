"""The preference losses beside TRL's own code, on the same tensors."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
import torch

from selfj.selfjudge.self_training.objective import DirectPreference
from selfj.training.batches import Batch, collate
from selfj.training.examples import Example

VOCABULARY = 11
KINDS = ("sigmoid", "hinge", "ipo")


def _examples() -> list[Example]:
    return [
        Example("one", "train", [[1, 2, 3], [1, 2, 3]], [[4, 5], [6, 7, 8, 2]], (-3.5, -9.25)),
        Example("two", "train", [[5], [5]], [[9, 9, 1], [2]], (-6.0, -2.125)),
        Example("three", "train", [[7, 8], [7, 8]], [[3, 3, 3], [4, 4, 4]], (-7.5, -6.5)),
    ]


def _batch_and_logits() -> tuple[Batch, torch.Tensor]:
    torch.manual_seed(1)
    batch = collate(_examples(), pad=0)
    return batch, torch.randn(*batch.targets.shape, VOCABULARY)


class _Accelerator:
    device = torch.device("cpu")

    def gather(self, values):
        return values

    gather_for_metrics = gather


def _trl(kind: str, beta: float, logits: torch.Tensor) -> tuple[torch.Tensor, dict]:
    """What TRL's DPOTrainer makes of the same answers: rows are all preferred ones, then all rejected ones."""
    from trl.trainer.dpo_trainer import DPOTrainer

    examples, width = _examples(), 8
    rows = [(example.prompts[side], example.targets[side], logits[place, side])
            for side in range(2) for place, example in enumerate(examples)]  # fmt: skip
    ids, done = torch.zeros(len(rows), width, dtype=torch.long), torch.zeros(len(rows), width, dtype=torch.long)
    logprobs = []
    for row, (prompt, target, scores) in enumerate(rows):
        ids[row, : len(prompt) + len(target)] = torch.tensor([*prompt, *target])
        done[row, len(prompt) : len(prompt) + len(target)] = 1
        own = torch.log_softmax(scores[-len(target) :], dim=-1)[range(len(target)), target]
        logprobs.append(torch.cat([torch.zeros(len(prompt) - 1), own, torch.zeros(width - len(prompt) - len(target))]))
    seen = torch.zeros(len(rows), width - 1)
    outputs = SimpleNamespace(
        log_probs=torch.stack(logprobs), entropy=seen, mean_logits=seen, is_top1=seen.bool(), log_sum_sq_probs=seen
    )
    trainer = SimpleNamespace(
        model=SimpleNamespace(training=False), accelerator=_Accelerator(), aux_loss_enabled=False, ld_alpha=None,
        precompute_ref_logps=True, f_divergence_type="reverse_kl", loss_types=[kind], loss_weights=[1.0], beta=beta,
        use_weighting=False, label_smoothing=0.0, _metrics={"eval": defaultdict(list)}, _total_train_tokens=0, _tp_size=1,
    )  # fmt: skip
    numbers = torch.tensor([example.numbers for example in examples])
    inputs = {"input_ids": ids, "completion_mask": done, "ref_chosen_logps": numbers[:, 0], "ref_rejected_logps": numbers[:, 1]}
    loss = DPOTrainer._compute_loss(trainer, lambda **_: outputs, inputs, return_outputs=False)
    return loss, trainer._metrics["eval"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("beta", [0.1, 0.7])
def test_loss_and_gradient_are_those_of_trl(kind, beta):
    batch, logits = _batch_and_logits()
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    found = DirectPreference(kind, beta).losses(ours, batch)["loss"].mean()
    expected, _ = _trl(kind, beta, theirs)
    assert found.item() == pytest.approx(expected.item(), abs=1e-6, rel=1e-6)
    found.backward()
    expected.backward()
    assert ours.grad is not None and theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-6)


def test_accuracy_and_margin_of_the_implicit_reward_are_those_of_trl():
    batch, logits = _batch_and_logits()
    found = DirectPreference("sigmoid", 0.3).losses(logits, batch)
    _, metrics = _trl("sigmoid", 0.3, logits)
    assert found["accuracy"].mean().item() == pytest.approx(metrics["rewards/accuracies"][0])
    assert found["margin"].mean().item() == pytest.approx(metrics["rewards/margins"][0], abs=1e-6)


def test_a_policy_that_is_its_reference_has_no_margin_and_the_loss_of_a_coin():
    batch, logits = _batch_and_logits()
    logprobs = torch.log_softmax(logits, dim=-1)
    known = batch.targets >= 0
    own = (logprobs.gather(-1, batch.targets.clamp_min(0).unsqueeze(-1)).squeeze(-1) * known).sum(-1)
    batch.numbers.copy_(own)
    found = DirectPreference("sigmoid", 0.1).losses(logits, batch)
    assert found["margin"].abs().max().item() < 1e-6
    assert found["loss"].tolist() == pytest.approx([0.6931472] * 3, abs=1e-6)
    assert found["log_ratio"].abs().max().item() < 1e-5


def test_the_log_ratio_is_the_mean_over_both_answers():
    batch, logits = _batch_and_logits()
    before = DirectPreference().losses(logits, batch)["log_ratio"]
    batch.numbers[:, 0] -= 1.0
    assert (DirectPreference().losses(logits, batch)["log_ratio"] - before).tolist() == pytest.approx([0.5] * 3, abs=1e-6)
