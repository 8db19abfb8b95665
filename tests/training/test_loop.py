"""The loop in Ray Train workers: it computes what a plain training computes, in every way of spreading it."""

from pathlib import Path

import pytest
import torch

from selfj.config import LoraSettings
from selfj.run import RunFolder
from selfj.training.launch import _without_cleaner
from tests.tiny_models import ARCHITECTURES, make_model
from tests.training.sessions import Case, Session, saved_weights, train_cases, train_plainly, write_examples

pytestmark = pytest.mark.ray

_LORA = LoraSettings(rank=4, alpha=8, dropout=0.2)
_STAGES = (0, 1, 2, 3)


def _cases(models: dict[str, str]) -> list[Case]:
    llama = models["llama"]
    cases = [Case(f"{name}", models[name]) for name in ARCHITECTURES]
    cases += [Case(f"zero{stage}", llama, {"zero_stage": stage}) for stage in _STAGES[1:]]
    cases += [Case(f"recompute{stage}", llama, {"zero_stage": stage, "gradient_checkpointing": True}) for stage in (1, 3)]
    cases += [Case(f"offload{stage}", llama, {"zero_stage": stage, "offload_optimizer": True}) for stage in (2, 3)]
    cases += [Case(f"lora{stage}", llama, {"zero_stage": stage, "lora": _LORA}) for stage in _STAGES]
    cases += [Case(f"bfloat{stage}", llama, {"zero_stage": stage, "precision": "bfloat16"}) for stage in _STAGES]
    return cases


def _hopeless(models: dict[str, str]) -> list[Case]:
    llama = models["llama"]
    return [
        Case("no model", "/nowhere/model"),
        Case("no layers", llama, {"lora": LoraSettings(modules=["query_key_value"])}),
        Case("diverging", llama, {"learning_rate": 1e20}),
    ]


class Trained:
    """What two workers made of every case."""

    def __init__(self, run: RunFolder, models: dict[str, str], session: Session) -> None:
        self.run, self.models, self.session = run, models, session
        self.losses, self.problems = session.losses, session.problems

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        """Weights that a case wrote."""
        return saved_weights(Path(self.run.store.path(name)))


@pytest.fixture(scope="module")
def trained(ray_local, tmp_path_factory):
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    folder = tmp_path_factory.mktemp("loop")
    models = {name: str(make_model(folder / "models" / name, name)) for name in ARCHITECTURES}
    run = RunFolder(str(folder / "run"))
    write_examples(run)
    trainer = TorchTrainer(
        train_cases,
        train_loop_config={
            "run": run.address,
            "cases": _cases(models),
            "hopeless": _hopeless(models),
            "folder": str(folder / "states"),
        },
        torch_config=TorchConfig(backend="gloo"),
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(storage_path=str(folder), name="ray", worker_runtime_env={"env_vars": {"DS_ACCELERATOR": "cpu"}}),
    )
    return Trained(run, models, _without_cleaner(trainer).fit().return_value)


def _difference(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> float:
    return max((left[name].float() - right[name].float()).abs().max().item() for name in left)


@pytest.fixture(scope="module")
def plain(trained):
    return train_plainly(trained.run, Case("plain", trained.models["llama"]))


@pytest.mark.parametrize("name", ["llama", "zero1", "zero2", "zero3", "recompute1", "recompute3", "offload2", "offload3"])
def test_two_workers_with_micro_batches_learn_what_a_plain_loop_learns(trained, plain, name):
    weights, losses = plain
    assert [point["loss"] for point in trained.losses[name]] == pytest.approx(losses, abs=1e-5)
    assert _difference(trained.weights(name), weights) < 2e-5


@pytest.mark.parametrize("name", ARCHITECTURES[1:])
def test_every_architecture_learns_what_a_plain_loop_learns(trained, name):
    weights, losses = train_plainly(trained.run, Case("plain", trained.models[name]))
    assert [point["loss"] for point in trained.losses[name]] == pytest.approx(losses, abs=1e-5)
    assert _difference(trained.weights(name), weights) < 1e-4  # Adam magnifies the rounding of gradients near zero


@pytest.mark.parametrize("stage", _STAGES[1:])
def test_adapters_with_dropout_learn_the_same_in_every_stage(trained, stage):
    assert trained.losses[f"lora{stage}"][-1] == pytest.approx(trained.losses["lora0"][-1], abs=1e-5)
    assert _difference(trained.weights(f"lora{stage}"), trained.weights("lora0")) < 2e-5


def test_only_adapters_are_written_when_adapters_are_trained(trained):
    assert all("lora_" in name for name in trained.weights("lora3"))
    assert len(trained.weights("lora3")) == 2 * 4 * 2  # two layers, four projections, A and B


@pytest.mark.parametrize("stage", _STAGES)
def test_bfloat16_stays_near_float32(trained, plain, stage):
    weights, losses = plain
    found = trained.weights(f"bfloat{stage}")
    assert all(value.dtype == torch.bfloat16 for value in found.values())
    assert [point["loss"] for point in trained.losses[f"bfloat{stage}"]] == pytest.approx(losses, rel=0.02)
    assert _difference(found, weights) < 6e-3


@pytest.mark.parametrize("name", [case.name for case in _cases(dict.fromkeys(ARCHITECTURES, ""))])
def test_a_resumed_training_ends_in_the_same_weights(trained, name):
    assert _difference(trained.weights(name), trained.weights(f"{name}-resumed")) == 0.0


def test_training_moves_the_weights(trained):
    before = saved_weights(Path(trained.models["llama"]))
    assert _difference(before, trained.weights("llama")) > 1e-3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no model", "/nowhere/model: the model to train could not be loaded"),
        ("no layers", "no layers are named query_key_value; set lora.modules"),
        ("diverging", "the loss is no longer a number at step"),
    ],
)
def test_what_the_user_can_mend_comes_back_as_one_line(trained, name, message):
    assert message in trained.problems[name]
    assert "\n" not in trained.problems[name]


def test_auto_is_bfloat16_only_where_that_is_fast(trained):
    able = torch.cpu.get_capabilities()
    fast = able.get("amx_bf16", False) or able.get("avx512_bf16", False)
    expected = {"auto": "bfloat16" if fast else "float32", "bfloat16": "bfloat16", "float32": "float32"}
    assert trained.session.precisions == expected
