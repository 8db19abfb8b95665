"""The rounds in Ray Train workers, on a tiny model."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from selfj.config import LoraSettings
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.self_training.results import arm_folder, result_of
from selfj.selfjudge.self_training.rows import JudgedPair, Probe
from selfj.selfjudge.self_training.settings import StopSettings
from selfj.training.launch import _without_cleaner
from tests.selfjudge.self_training.sessions import Case, train_arms, train_plainly
from tests.selfjudge.self_training.worlds import settings, write_run
from tests.tiny_models import make_model
from tests.training.sessions import saved_weights

pytestmark = [pytest.mark.ray, pytest.mark.slow]

CASES = [
    Case("on_policy"),
    Case("killed", killed=(("probe", 0), ("pairs", 0), ("pairs", 1), ("probe", 2), ("pairs", 2), ("probe", 3))),
    Case("killed_after", {"checkpoint_every": 100}, (("pairs", 1), ("probe", 2), ("pairs", 2), ("probe", 3)), after=True),
    Case("zero3", {"zero_stage": 3}),
    Case("moving", {"judge": "moving", "rounds": 2}),
    Case("ipo", {"loss": "ipo", "rounds": 2, "round_prompts": 8}),
    Case("off_policy", {"mode": "off_policy"}),
    Case("offline", {"mode": "offline", "learning_rate": 1e-3, "lora": LoraSettings(rank=4, alpha=8, dropout=0.0)}),
    Case("far", {"stop": StopSettings(max_kl=0.001), "learning_rate": 1.0}),
    Case("far_fixed", {"mode": "offline", "stop": StopSettings(max_kl=0.001), "learning_rate": 1.0}),
    Case("long", {"stop": StopSettings(max_growth=0.01)}),
    Case("tied", {"min_margin": 0.99, "stop": StopSettings(tied_rounds=2)}),
    Case("hopeless", {"mode": "offline", "max_tokens": 10}),
]


@pytest.fixture(scope="module")
def trained(ray_local, tmp_path_factory):
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    folder = tmp_path_factory.mktemp("rounds")
    model, run = str(make_model(folder / "model", "llama")), RunFolder(str(folder / "run"))
    write_run(run)
    trainer = TorchTrainer(
        train_arms,
        train_loop_config={"run": run.address, "model": model, "cases": CASES},
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(folder), name="ray", worker_runtime_env={"env_vars": {"DS_ACCELERATOR": "cpu"}}),
    )
    return model, run, _without_cleaner(trainer).fit().return_value


def _weights(trained, arm: str) -> dict[str, torch.Tensor]:
    return saved_weights(Path(arm_folder(trained[1], arm).path("adapter")))


def _difference(trained, one: str, other: str) -> float:
    left, right = _weights(trained, one), _weights(trained, other)
    return max((left[name].float() - right[name].float()).abs().max().item() for name in left)


def _rows(trained, arm: str, table: str, record: type) -> list[list]:
    folder = arm_folder(trained[1], arm).table(table)
    return [from_table(record, folder.read(part)) for part in folder.parts()]


def _outcome(trained, arm: str):
    return trained[2].outcomes[arm]


@pytest.mark.parametrize("arm", ["killed", "killed_after"])
def test_a_run_that_was_killed_in_any_phase_ends_in_the_same_adapter_and_figures(trained, arm):
    assert _difference(trained, "on_policy", arm) == 0.0
    assert _outcome(trained, arm).history == _outcome(trained, "on_policy").history
    assert _rows(trained, arm, "pairs", JudgedPair) == _rows(trained, "on_policy", "pairs", JudgedPair)


def test_the_adapter_moves_and_is_other_in_every_mode(trained):
    assert all(name.endswith(("lora_A.weight", "lora_B.weight")) for name in _weights(trained, "on_policy"))
    assert _difference(trained, "on_policy", "off_policy") > 1e-4
    assert _difference(trained, "off_policy", "offline") > 1e-4


def test_weights_spread_over_workers_learn_the_same(trained):
    assert _difference(trained, "on_policy", "zero3") < 5e-4  # sums in another order, which Adam magnifies


def test_rounds_have_answers_of_the_policy_as_it_is(trained):
    fresh, fixed = (_rows(trained, arm, "pairs", JudgedPair) for arm in ("on_policy", "off_policy"))
    assert fresh[0] == fixed[0]  # the policy begins as the start, and seeds do not depend on the mode
    asked = [[(pair.instruction_id, pair.number) for pair in rows] for rows in (*fresh, *fixed)]
    assert sorted(asked[0] + asked[1][:2]) == [(f"id-{number}", 0) for number in range(6)]
    assert [*asked[3], *asked[4]] == asked[0] + asked[1][:2]  # each prompt once
    same = {(p.instruction_id, p.number): (p.response_a, p.response_b) for p in fixed[1]}
    moved = {(p.instruction_id, p.number): (p.response_a, p.response_b) for p in fresh[1]}
    assert any(moved[key] != same[key] for key in same)


def test_a_moving_judge_gives_other_scores_than_the_start_once_the_policy_has_moved(trained):
    frozen, moving = (_rows(trained, arm, "pairs", JudgedPair) for arm in ("on_policy", "moving"))
    assert [pair.response_a for pair in frozen[0]] == [pair.response_a for pair in moving[0]]
    assert [pair.score_a for pair in frozen[0]] == pytest.approx([pair.score_a for pair in moving[0]], abs=1e-6)
    frozen_pairs, moving_pairs = frozen[1], moving[1]
    assert [pair.response_a for pair in frozen_pairs] == [pair.response_a for pair in moving_pairs]
    assert [pair.score_a for pair in frozen_pairs] != pytest.approx([pair.score_a for pair in moving_pairs], abs=1e-6)


def test_the_reference_is_the_same_weights_with_the_adapter_off(trained):
    off, copy, policy = trained[2].reference
    assert np.abs(off - copy).max() < 1e-4
    assert np.abs(policy - copy).max() > 0.01


def test_steps_are_those_of_a_plain_loop_beside_a_separate_reference(trained):
    model = trained[0]
    how = settings(model, **next(case.changes for case in CASES if case.name == "offline")).self_training
    (pairs,) = _rows(trained, "offline", "pairs", JudgedPair)
    expected = train_plainly(model, [pair.example for pair in pairs], how, steps=3, seed=3)
    found = {name.replace(".weight", ".default.weight"): value for name, value in _weights(trained, "offline").items()}
    assert set(found) == set(expected)
    assert max((found[name] - expected[name]).abs().max().item() for name in found) < 2e-5


def test_a_round_may_have_several_steps(trained):
    history = _outcome(trained, "ipo").history
    assert [point.step for point in history] == [2, 4]
    assert history[0].losses["loss"] == pytest.approx((1 / (2 * 0.1)) ** 2, rel=0.2)  # of a policy that is near its reference


def test_figures_are_told_by_round_and_by_probe(trained):
    how = settings(trained[0]).self_training
    folder = arm_folder(trained[1], "on_policy")
    result = result_of(folder, how, _outcome(trained, "on_policy"))
    assert [row["round"] for row in result["rounds"]] == [0, 1, 2]
    assert [row["round"] for row in result["probes"]] == [0, 2, 3]
    first = result["rounds"][0]
    assert first["kl"] == pytest.approx(0, abs=1e-3) and first["prompts"] == 4 and 0 <= first["grade"] <= 1
    assert result["probes"][-1]["kl"] != 0 and result["probes"][-1]["prompts"] == 3
    assert result["probes"][0]["win_rate"] == 0.5 and result["probes"][0]["grade"] == result["probes"][0]["start_grade"]
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("far", "its KL divergence from the start is"),
        ("far_fixed", "its KL divergence from the start is"),
        ("long", "its answers have"),
        ("tied", "no pair of the last 2 rounds had a usable verdict"),
    ],
)
def test_a_run_that_diverges_is_stopped_with_a_clear_message_and_keeps_a_good_adapter(trained, arm, message):
    outcome = _outcome(trained, arm)
    assert message in outcome.problem and " of 3 rounds: " in outcome.problem and "\n" not in outcome.problem
    assert all(torch.isfinite(value).all() for value in _weights(trained, arm).values())


@pytest.mark.parametrize("arm", ["far", "far_fixed"])
def test_the_adapter_kept_is_the_one_before_the_policy_went_too_far(trained, arm):
    kept = _weights(trained, arm)
    assert all(value.abs().max() == 0 for name, value in kept.items() if "lora_B" in name)  # of round 0: the start


def test_only_the_adapters_that_may_be_needed_are_kept_between_rounds(trained):
    assert arm_folder(trained[1], "on_policy").store.names("adapters") == ["00003"]


def test_offline_learning_without_a_usable_pair_says_so(trained):
    assert "no pair with a usable verdict" in _outcome(trained, "hopeless").problem
    assert arm_folder(trained[1], "hopeless").table("pairs").rejected().num_rows == 7


def test_probes_of_the_start_and_of_the_finished_policy_answer_the_same_prompts(trained):
    start, _, finished = _rows(trained, "on_policy", "probes", Probe)
    assert [row.instruction_id for row in start] == [row.instruction_id for row in finished]
    assert [row.start_grade for row in finished] == [row.grade for row in start]
