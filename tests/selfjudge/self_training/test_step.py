"""The step with everything real: Ray Train, DeepSpeed, vLLM with changing adapters.

The start is the pocket policy, which was never taught to compare answers: it has verdicts, in the words that it knows from
rating, but poor ones. tests/study/selfjudge/test_chain.py has a start that learnt to judge.
"""

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
def test_rounds_learn_from_the_verdicts_of_the_start_and_every_pair_is_accounted_for(trained):
    run, _, result = trained
    assert result == read_result(run, "on_policy") == json.loads(json.dumps(result))
    assert result["status"] == "finished"
    assert [row["prompts"] for row in result["rounds"]] == [8, 8]
    assert [row["pairs"] + sum(row["left_out"].values()) for row in result["rounds"]] == [8, 8]
    assert result["pairs"]["pairs"] == sum(row["pairs"] for row in result["rounds"]) > 0
    assert all(0 <= row["grade"] <= 1 and row["tokens"] > 3 for row in result["rounds"])
    assert len(read_probes(run, "on_policy")) == 6
    assert result["probes"][-1]["kl"] != 0 < _largest(run, "on_policy", "lora_B")


def _largest(run, arm, part) -> float:
    weights = saved_weights(Path(arm_folder(run, arm).path("adapter")))
    return max(float(value.abs().max()) for name, value in weights.items() if part in name)


@pytest.mark.ray
def test_a_finished_arm_is_left_alone_and_other_settings_are_refused(trained, capsys):
    run, hosts, result = trained
    assert self_train(run, _settings(), hosts) == result
    assert "on_policy is finished" in capsys.readouterr().out
    with pytest.raises(RunFolderError, match=r"self_training\.beta: 0\.1 → 0\.2.*--restart-from self_training"):
        self_train(run, _settings(beta=0.2), hosts)


@pytest.mark.ray
def test_given_pairs_are_learnt_from(trained):
    run, hosts, _ = trained
    result = self_train(run, _settings(mode="offline"), hosts)
    assert result["status"] == "finished" and result["pairs"]["pairs"] > 0
    assert all(row["kl"] is None for row in result["rounds"]) and result["probes"][-1]["kl"] != 0
    assert _largest(run, "offline", "lora_B") > 0


@pytest.mark.ray
@pytest.mark.slow
def test_a_run_without_verdicts_is_stopped_and_says_where_its_last_good_adapter_is(trained):
    run, hosts, _ = trained
    with pytest.raises(SelfJError, match=r"no pair of the last 2 rounds had .*\(last good adapter: .*/tied/adapter\)$"):
        self_train(run, _settings(arm="tied", rounds=4, min_margin=0.999, stop=StopSettings(tied_rounds=2)), hosts)
    result = read_result(run, "tied")
    assert result["status"] == "stopped" and "no pair of the last 2 rounds" in result["reason"]
    assert saved_weights(Path(arm_folder(run, "tied").path("adapter")))


def test_a_start_that_is_not_there_is_told_at_once(run_folder):
    write_run(run_folder)
    made = _settings(start="")
    with pytest.raises(ModelError, match="jsft: no model folder"):
        task_of(run_folder, made)
