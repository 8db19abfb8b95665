"""The train step as a whole: from scored answers to a judge, also when processes die in the middle."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from selfj.config import Settings
from selfj.errors import DataError, ModelError, RunFolderError
from selfj.judge import step
from selfj.judge.judge import JudgeFolder
from selfj.judge.step import train_judge
from selfj.labels import expected_value, normalised_probabilities
from selfj.run import RunFolder
from tests.judge.worlds import TINY_LORA, judge_settings, watch, write_scored_run
from tests.tiny_models import make_model
from tests.training.sessions import saved_weights

_STEPS = 5
_SNAPSHOT = "training/checkpoints/checkpoint_manager_snapshot.json"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(make_model(tmp_path_factory.mktemp("model")))


def _settings(model: str, **changes) -> Settings:
    return judge_settings(
        model, **{"lora": TINY_LORA, "zero_stage": 2, "checkpoint_every": 2, "validation_examples": 8, **changes}
    )


def _weights(run: RunFolder) -> dict[str, torch.Tensor]:
    return saved_weights(Path(run.store.path("judge")))


def _same(left: RunFolder, right: RunFolder) -> bool:
    found, expected = _weights(left), _weights(right)
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


@pytest.fixture(scope="module")
def trained(ray_local, model, tmp_path_factory):
    """A run whose training nothing disturbed."""
    folder = tmp_path_factory.mktemp("trained")
    run = RunFolder(str(folder / "run"))
    write_scored_run(run, unlabelled=2)
    with pytest.MonkeyPatch.context() as patch:
        watch(patch, run, folder / "calls")
        manifest = train_judge(run, _settings(model))
    return run, manifest, folder


@pytest.mark.ray
def test_the_manifest_counts_every_answer_of_the_train_split(trained):
    run, manifest, _ = trained
    assert manifest.finished
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected) == (42, 40, 2)
    assert manifest.details["left_out"] == {"unlabelled": 2, "beyond_max_examples": 0, "too_long": 0}
    assert manifest.details["steps"] == _STEPS
    assert run.table("judge").manifest() == manifest


@pytest.mark.ray
def test_the_card_says_what_the_judge_is(trained, model):
    run, manifest, _ = trained
    judge = JudgeFolder.load(run.path("judge"))
    assert (judge.model, judge.adapter, judge.adapter_rank) == (model, True, 4)
    assert (judge.policy, judge.prompts, judge.examples) == ("tiny", "short", 40)
    assert len(judge.label_token_ids) == 10
    assert judge.max_prompt_tokens == 254
    assert judge.data == manifest.fingerprint.inputs["scored"]
    assert {"loss", "teacher", "student", "kl"} < set(judge.validation)
    assert [point["step"] for point in judge.history] == [_STEPS]


@pytest.mark.ray
def test_the_adapter_folder_is_one_that_peft_loads(trained, model):
    from peft import AutoPeftModelForCausalLM

    run, _, _ = trained
    loaded = AutoPeftModelForCausalLM.from_pretrained(run.store.path("judge"))
    config = json.loads((Path(run.store.path("judge")) / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == model
    assert any(value.abs().max() > 0 for name, value in loaded.named_parameters() if "lora_B" in name)


@pytest.mark.ray
def test_a_finished_judge_is_left_alone(trained, model):
    run, manifest, _ = trained
    before = {path: path.stat().st_mtime_ns for path in Path(run.store.path("judge")).iterdir()}
    assert train_judge(run, _settings(model, workers=1)) == manifest
    assert {path: path.stat().st_mtime_ns for path in Path(run.store.path("judge")).iterdir()} == before


@pytest.mark.ray
def test_other_settings_are_refused_with_what_changed(trained, model):
    run, _, _ = trained
    with pytest.raises(RunFolderError, match=r"train\.epochs: 1 → 3.*restart-from train"):
        train_judge(run, _settings(model, epochs=3))


@pytest.mark.ray
def test_a_killed_training_worker_costs_the_steps_since_the_last_checkpoint(trained, model, tmp_path, monkeypatch):
    run = RunFolder(str(tmp_path / "run"))
    write_scored_run(run, unlabelled=2)
    watch(monkeypatch, run, tmp_path / "calls", then="kill")
    manifest = train_judge(run, _settings(model, max_failures=1))
    calls = Counter((tmp_path / "calls").read_text().split())
    whole = Counter((trained[2] / "calls").read_text().split())
    assert (tmp_path / "calls.killed").exists()
    assert len(calls) == 4, "two workers, and two in their place"
    assert min(calls.values()) < min(whole.values())
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected) == (42, 40, 2)
    assert _same(run, trained[0])


_DRIVER = """
import sys
from pathlib import Path
import pytest, ray
from selfj.judge.step import train_judge
from selfj.labels import expected_value, normalised_probabilities
from selfj.run import RunFolder
from tests.judge.test_step import _settings
from tests.judge.worlds import watch

address, model, then = sys.argv[1:]
ray.init(address="local", num_cpus=3, object_store_memory=100_000_000, include_dashboard=False, logging_level="WARNING")
run = RunFolder(address)
watch(pytest.MonkeyPatch(), run, Path(address).parent / f"calls{then}", then=then)
train_judge(run, _settings(model))
"""


def _driver(run: RunFolder, model: str, then: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", _DRIVER, run.store.root, model, then], cwd=Path(__file__).parents[2])


@pytest.mark.faults
def test_a_killed_driver_goes_on_from_the_last_checkpoint(trained, model, tmp_path):
    run = RunFolder(str(tmp_path / "run"))
    write_scored_run(run, unlabelled=2)
    driver = _driver(run, model, "wait")
    until = time.monotonic() + 300
    while not (tmp_path / "callswait.killed").exists() and time.monotonic() < until:
        assert driver.poll() is None, "the driver ended by itself"
        time.sleep(0.2)
    driver.kill()
    driver.wait()
    assert not (Path(run.store.path("judge")) / "judge.json").exists()
    assert _driver(run, model, "").wait(timeout=300) == 0
    before, after = (Counter((tmp_path / f"calls{name}").read_text().split()) for name in ("wait", ""))
    assert sum(after.values()) < sum(before.values()) + sum(after.values())
    assert min(after.values()) < min(Counter((trained[2] / "calls").read_text().split()).values())
    manifest = run.table("judge").manifest()
    assert manifest is not None and (manifest.rows_in, manifest.rows_out, manifest.rejected) == (42, 40, 2)
    assert _same(run, trained[0])


@pytest.mark.slow
@pytest.mark.parametrize("stage", [0, 3])
def test_whole_weights_are_an_ordinary_model_folder(ray_local, model, tmp_path, stage):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run = RunFolder(str(tmp_path / "run"))
    write_scored_run(run)
    train_judge(run, judge_settings(model, zero_stage=stage, precision="bfloat16", teacher_weight=0, distillation_weight=0))
    judge = JudgeFolder.load(run.path("judge"))
    loaded = AutoModelForCausalLM.from_pretrained(judge.model)
    assert loaded.dtype == torch.bfloat16
    assert AutoTokenizer.from_pretrained(judge.model).chat_template
    assert set(judge.validation) == {"loss", "student", "student_pearson"}


@pytest.mark.slow
def test_a_run_folder_on_another_file_system_gets_checkpoints_and_judge(ray_local, model, tmp_path):
    run = RunFolder(f"simplecache::file://{tmp_path}/far")
    write_scored_run(run)
    assert not run.store.is_local
    assert train_judge(run, judge_settings(model, checkpoint_every=2)).finished
    assert JudgeFolder.load(run.path("judge")).examples == 42
    assert {"model.safetensors", "tokenizer.json", "judge.json"} <= set(run.store.names("judge"))
    assert [name for name in run.store.names("training/checkpoints") if name.startswith("step")] == [
        "step-0000004",
        "step-0000005",
    ]


@pytest.mark.slow
def test_an_engine_scores_with_the_adapter_as_training_did(trained):
    import ray

    from selfj.config import EngineSettings, ModelSettings
    from selfj.engine import Adapter, Engine, engine_pool
    from selfj.training.examples import read_examples

    run, _, _ = trained
    judge = JudgeFolder.load(run.path("judge"))
    settings = EngineSettings(device="cpu", threads=1)
    actor = ray.remote(num_cpus=1, runtime_env={"env_vars": engine_pool(settings).environment})(Engine)
    adapter = Adapter("judge", judge.path, judge.adapter_rank)
    engine = actor.remote(ModelSettings(model=judge.model, dtype="float32"), settings, adapter)
    _, examples = read_examples(run.table("training"))
    prompts = [list(map(int, example.prompts[1])) for example in examples]
    logprobs = ray.get(engine.label_logprobs.remote(prompts, judge.label_token_ids, adapted=True))
    ray.kill(engine)
    scores = expected_value(normalised_probabilities(logprobs)[0])
    quality = [example.numbers[0] for example in examples]
    assert np.corrcoef(scores, quality)[0, 1] == pytest.approx(judge.validation["student_pearson"], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["qwen", "mistral", "gemma"])
def test_a_judge_can_be_trained_from_other_architectures(ray_local, tmp_path, architecture):
    run = RunFolder(str(tmp_path / "run"))
    write_scored_run(run)
    manifest = train_judge(run, judge_settings(str(make_model(tmp_path / "model", architecture))))
    assert manifest.finished and manifest.rows_out == 42


def test_a_run_without_scores_says_what_to_run_first(run_folder, model):
    with pytest.raises(RunFolderError, match="scored is not finished"):
        train_judge(run_folder, _settings(model))


def test_a_run_without_labels_is_refused_before_anything_starts(run_folder, model):
    write_scored_run(run_folder, instructions=20, unlabelled=20)
    with pytest.raises(DataError, match="has a label"):
        train_judge(run_folder, _settings(model))


@pytest.mark.parametrize(
    ("kind", "message"),
    [({"digits": False}, "as one token"), ({"template": False}, "no chat template")],
)
def test_a_model_that_cannot_be_a_judge_is_refused_before_anything_starts(run_folder, tmp_path, kind, message):
    write_scored_run(run_folder, instructions=20)
    with pytest.raises(ModelError, match=message):
        train_judge(run_folder, _settings(str(make_model(tmp_path / "model", **kind))))


def test_a_model_that_is_not_there_is_refused_before_anything_starts(run_folder):
    write_scored_run(run_folder, instructions=20)
    with pytest.raises(ModelError, match=r"no model folder with a config\.json"):
        train_judge(run_folder, _settings("/nowhere/model"))


def test_prompts_are_no_longer_than_the_model_can_read(model):
    limits = {100: {"max_tokens": 100}, 512: {"max_tokens": 4096}}
    for longest, changes in limits.items():
        assert step._wording(_settings(model, **changes)).max_tokens == longest
    short = _settings(model, max_tokens=4096)
    short.policy.context = 300
    assert step._wording(short).max_tokens == 300


def test_another_chat_template_is_another_judge(run_folder, model, tmp_path):
    template = tmp_path / "template.jinja"
    settings = _settings(model)
    settings.policy.chat_template = str(template)
    found = []
    for text in ("{{ messages }}", "{{ messages }}!"):
        template.write_text(text)
        found.append(step._fingerprint(settings, "scored").digest)
    assert found[0] != found[1]
