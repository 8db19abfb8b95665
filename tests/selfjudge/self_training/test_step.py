"""The step with everything real: Ray Train, DeepSpeed, vLLM with changing adapters, the pocket policy as its own judge."""

import dataclasses
import json
from pathlib import Path

import pytest

from selfj.config import EngineSettings, LoraSettings, ModelSettings
from selfj.errors import ModelError, RunFolderError, SelfJError
from selfj.selfjudge.self_training.host import Hosts
from selfj.selfjudge.self_training.results import arm_folder, read_probes, read_result
from selfj.selfjudge.self_training.settings import StopSettings
from selfj.selfjudge.self_training.step import self_train, task_of
from selfj.selfjudge.settings import SelfJudgeSettings
from tests.selfjudge.self_training.worlds import settings, write_run
from tests.training.sessions import saved_weights

POCKET = str(Path(__file__).parents[3] / "selfj/pocket/policies/base")


def _settings(**changes) -> SelfJudgeSettings:
    how = {
        "rounds": 2, "round_prompts": 8, "batch_size": 8, "final_prompts": 6, "answer_tokens": 40, "validation_examples": 6,
        "workers": 1, "threads": 2, "learning_rate": 1e-3, "lora": LoraSettings(rank=8, alpha=16, dropout=0.0),
    }  # fmt: skip
    made = settings(POCKET, **{**how, **changes})
    return dataclasses.replace(
        made, policy=ModelSettings(model=POCKET, context=512), engine=EngineSettings(max_sequences=32, max_batched_tokens=2048)
    )


@pytest.fixture(scope="module")
def trained(ray_local, tmp_path_factory):
    """Two arms of one run that share an engine."""
    from selfj.run import RunFolder

    run = RunFolder(str(tmp_path_factory.mktemp("pocket") / "run"))
    write_run(run, prompts=20, tests=8)
    with Hosts() as hosts:
        yield run, hosts, self_train(run, _settings(), hosts)


@pytest.mark.ray
def test_two_rounds_give_an_adapter_and_its_figures(trained):
    run, _, result = trained
    assert result == read_result(run, "on_policy") == json.loads(json.dumps(result))
    assert result["status"] == "finished" and result["steps"] == 2
    assert [row["prompts"] for row in result["rounds"]] == [8, 8]
    assert all(0 <= row["grade"] <= 1 and row["tokens"] > 3 for row in result["rounds"])
    assert result["rounds"][0]["kl"] == pytest.approx(0, abs=1e-3)  # the policy begins as the start
    assert result["probes"][0]["kl"] == 0 and result["probes"][-1]["kl"] != 0
    assert len(read_probes(run, "on_policy")) == 6
    weights = saved_weights(Path(arm_folder(run, "on_policy").path("adapter")))
    assert weights and all(value.abs().max() > 0 for value in weights.values())


@pytest.mark.ray
def test_a_finished_arm_is_left_alone_and_other_settings_are_refused(trained, capsys):
    run, hosts, result = trained
    assert self_train(run, _settings(), hosts) == result
    assert "on_policy is finished" in capsys.readouterr().out
    with pytest.raises(RunFolderError, match=r"self_training\.beta: 0\.1 → 0\.2.*--restart-from self_training"):
        self_train(run, _settings(beta=0.2), hosts)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["off_policy", "offline"])
def test_fixed_pairs_are_learnt_from(trained, mode):
    run, hosts, _ = trained
    result = self_train(run, _settings(mode=mode), hosts)
    assert result["status"] == "finished" and result["pairs"]["pairs"] > 0
    assert "kl" in result["rounds"][0] and result["rounds"][0]["kl"] is None


@pytest.mark.ray
@pytest.mark.slow
def test_a_run_that_diverges_says_where_its_last_good_adapter_is(trained):
    run, hosts, _ = trained
    with pytest.raises(SelfJError, match=r"KL divergence .* \(last good adapter: .*/far/adapter\)$"):
        self_train(run, _settings(arm="far", learning_rate=0.5, rounds=4, stop=StopSettings(max_kl=0.01)), hosts)
    result = read_result(run, "far")
    assert result["status"] == "stopped" and "stop.max_kl" in result["reason"]
    assert saved_weights(Path(arm_folder(run, "far").path("adapter")))


def test_a_start_that_is_not_there_is_told_at_once(run_folder):
    write_run(run_folder)
    made = _settings(start="")
    with pytest.raises(ModelError, match="jsft: no model folder"):
        task_of(run_folder, made)
