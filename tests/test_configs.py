"""The settings people start from: each is read, checked and planned, without a network."""

from pathlib import Path

import pytest

from selfj.config import Settings, load_settings
from selfj.plan.plan import Plan, make_plan
from selfj.plan.rates import Cluster

ROOT = Path(__file__).parents[1]
STUDIES = ("paper_table", "paper_table_tiny", "systems", "serve")
"""Settings of other things than one run; tests/study, tests/evaluate/data and tests/serve read them."""
SELF_JUDGE = ("jsft", "self_train", "tournament", "selfjudge")
"""Beginnings of the names of SELF-JUDGE's settings, which tests/selfjudge reads."""
CONFIGS = sorted(
    file for file in (ROOT / "configs").glob("*.yaml") if file.stem not in STUDIES and not file.stem.startswith(SELF_JUDGE)
)
ON_GPUS = ("qwen", "llama", "mistral", "llama_70b")
POCKET = ("pocket", "pocket_tiny")
LAPTOP, NODE = Cluster(cpus=2), Cluster(cpus=64, gpus=8)
TWELVE_MINUTES = 720


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a plan asks no network"))


def settings_of(name: str) -> Settings:
    return load_settings(ROOT / "configs" / f"{name}.yaml")


def rows_out(plan: Plan, table: str) -> float:
    (rows,) = [stage.rows_out for stage in plan.stages if stage.table == table]
    assert rows is not None
    return rows


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_every_file_is_read_and_checked(file: Path) -> None:
    settings = load_settings(file)
    assert settings.name.replace("-", "_") == file.stem, "its run folder is called like the file"


@pytest.mark.parametrize("name", ON_GPUS)
def test_settings_for_gpus_are_planned_on_one_node_without_a_problem(name: str) -> None:
    plan = make_plan(settings_of(name), NODE)
    assert plan.problems == [] and plan.seconds is not None
    assert all(stage.gigabytes is not None for stage in plan.stages)
    assert all(source.rows is not None for source in plan.sources)


@pytest.mark.parametrize("name", ON_GPUS)
def test_settings_for_gpus_train_as_the_paper_did(name: str) -> None:
    settings = settings_of(name)
    train = settings.train
    assert (train.learning_rate, train.batch_size, train.epochs, train.max_tokens, train.warmup_steps) == (
        3e-4,
        128,
        2,
        1024,
        100,
    )
    assert train.lora is not None and (train.lora.rank, train.lora.alpha, train.lora.dropout) == (16, 16, 0.05)
    assert train.lora.modules == ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert train.zero_stage >= 2 and train.gpus_per_worker == 1
    assert rows_out(make_plan(settings, NODE), "judge") == 30_000


def test_seventy_billion_parameters_need_a_whole_node() -> None:
    settings = settings_of("llama_70b")
    assert make_plan(settings, NODE).problems == []
    settings.engine.tensor_parallel = 1
    assert "raise engine.tensor_parallel" in make_plan(settings, NODE).problems[0]


@pytest.mark.parametrize("name", POCKET)
def test_the_pocket_job_is_planned_on_a_laptop_without_a_problem(name: str) -> None:
    settings = settings_of(name)
    if not Path(settings.policy.model).is_dir():
        pytest.skip("the pocket policy is not trained yet")
    plan = make_plan(settings, LAPTOP)
    assert plan.problems == [] and plan.seconds is not None and plan.seconds < TWELVE_MINUTES


def test_the_pocket_job_tests_on_at_least_a_thousand_instructions() -> None:
    collect = settings_of("pocket").collect
    assert collect.max_instructions is not None and collect.max_instructions * collect.test_fraction >= 1000
