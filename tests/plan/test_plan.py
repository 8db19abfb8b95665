"""A whole plan: what it assumes, and what it finds that would fail."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from selfj.collect_settings import SourceSettings
from selfj.config import EvaluateSettings, LoraSettings, ModelSettings, Settings
from selfj.plan.cost import Prices
from selfj.plan.plan import Plan, make_plan
from selfj.plan.rates import GPUS, Cluster, machines, visible_gpus
from selfj.plan.show import plan_text
from tests.plan.inputs import lines, write_policy

LAPTOP = Cluster(cpus=2, described="as given")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_policy(tmp_path_factory.mktemp("models") / "policy")


@pytest.fixture
def settings(policy: Path, tmp_path: Path) -> Settings:
    (tmp_path / "a.jsonl").write_text(lines(50))
    made = Settings(name="trial", runs=str(tmp_path / "runs"), prompts="short", policy=ModelSettings(model=str(policy)))
    made.collect.sources = [SourceSettings(path=str(tmp_path / "a.jsonl"))]
    return made


def problem_of(settings: Settings, cluster: Cluster = LAPTOP) -> str:
    """The one problem of the settings."""
    (problem,) = make_plan(settings, cluster).problems
    return problem


def test_a_plan_says_what_it_counted_measured_and_assumed(settings: Settings) -> None:
    plan = make_plan(settings, LAPTOP)
    text = plan_text(plan)
    assert plan.problems == [] and plan.seconds is not None
    assert "a.jsonl: 50 rows (counted lines)" in text and "first 50 rows of the sources, with the policy's tokenizer" in text
    assert "72.3 k parameters (safetensors headers)" in text
    assert "only about 5 test instructions" in text
    assert [line.split()[0] for line in text.splitlines()[4:12]] == [
        "collect",
        "sample",
        "score",
        "score",
        "train",
        "evaluate",
        "evaluate",
        "report",
    ]


def test_a_plan_writes_nothing(settings: Settings) -> None:
    before = sorted(Path(settings.runs).parent.rglob("*"))
    make_plan(settings, LAPTOP)
    assert sorted(Path(settings.runs).parent.rglob("*")) == before


def test_unknown_rows_are_shown_as_unknown_with_what_to_do(settings: Settings) -> None:
    settings.collect.sources.append(SourceSettings(path="hf://nobody/never-seen"))
    text = plan_text(make_plan(settings, LAPTOP))
    assert (
        "never-seen: unknown rows" in text
        and "note: the rows of never-seen are unknown; set `rows` of collect.sources[1]" in text
    )
    assert "unknown" in text.splitlines()[4]


def test_a_model_of_the_hub_is_planned_by_its_name(settings: Settings) -> None:
    settings.policy.model, settings.train.lora = "nobody/never-seen-7B", LoraSettings()
    text = plan_text(make_plan(settings, LAPTOP))
    assert "7 G parameters (“7B” in its name)" in text and "checked when the run starts" in text and "will fail" not in text


def test_a_model_of_unknown_size_leaves_times_unknown(settings: Settings) -> None:
    settings.policy.model = "nobody/never-seen"
    plan = make_plan(settings, LAPTOP)
    assert plan.seconds is None and "size unknown" in plan_text(plan)


def test_a_missing_model_folder_will_fail(settings: Settings, tmp_path: Path) -> None:
    settings.policy.model = str(tmp_path / "nothing")
    assert "no model folder with a config.json" in problem_of(settings)


@pytest.mark.parametrize(("lack", "words"), [({"template": False}, "policy.chat_template"), ({"digits": False}, "single tokens")])
def test_a_policy_that_cannot_rate_will_fail(settings: Settings, tmp_path: Path, lack: dict[str, Any], words: str) -> None:
    settings.policy.model = str(write_policy(tmp_path / "policy", **lack))
    assert words in problem_of(settings)


def test_a_base_model_that_is_not_there_will_fail(settings: Settings, tmp_path: Path) -> None:
    settings.train.base_model = str(tmp_path / "nothing")
    assert problem_of(settings).startswith("train.base_model: ")


def test_adapters_on_layers_that_the_model_lacks_will_fail(settings: Settings) -> None:
    settings.train.lora = LoraSettings(modules=["q_proj", "query_key_value"])
    assert "no layer query_key_value; it has embed_tokens, q_proj, v_proj" in problem_of(settings)


@pytest.mark.parametrize("gold", ["no.such.module:grade", "selfj.records:NOTHING", "grades"])
def test_gold_that_cannot_be_found_will_fail(settings: Settings, gold: str) -> None:
    settings.evaluate = EvaluateSettings(gold=gold)
    assert problem_of(settings).startswith("evaluate.gold: ")


def test_an_embedding_model_that_is_not_there_will_fail(settings: Settings) -> None:
    settings.score.embedding_model = "./nothing"
    assert problem_of(settings).startswith("score.embedding_model: ")


def test_a_source_that_is_not_there_will_fail(settings: Settings) -> None:
    settings.collect.sources[0].path = "nothing.jsonl"
    assert "no such file" in problem_of(settings)


def test_one_of_several_sources_that_is_not_there_is_left_out_unless_strict(settings: Settings) -> None:
    settings.collect.sources.append(SourceSettings(path="nothing.jsonl"))
    plan = make_plan(settings, LAPTOP)
    assert plan.problems == [] and plan.notes[0].startswith("left out: source 'nothing.jsonl'") and plan.seconds is not None
    settings.collect.strict = True
    assert "no such file" in problem_of(settings)


def test_two_sources_of_one_name_will_fail(settings: Settings) -> None:
    settings.collect.sources *= 2
    assert "give each a `name`" in problem_of(settings)


def test_a_runs_folder_that_cannot_be_written_will_fail(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    settings.runs = str(tmp_path / "file")
    assert "is a file" in problem_of(settings)
    settings.runs = str(tmp_path / "runs")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "cannot be written" in problem_of(settings)


def test_a_disk_that_is_too_small_will_fail(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    assert "free space" in problem_of(settings)


def test_workers_that_never_find_room_will_fail(settings: Settings) -> None:
    settings.train.workers = 3
    settings.train.batch_size = 129
    assert problem_of(settings).startswith("train: needs 3 CPUs at once, 2 found")
    settings.train.workers, settings.engine.workers = 2, 5
    assert any("only 2 of 5 workers find room" in note for note in make_plan(settings, LAPTOP).notes)
    settings.engine.device = "gpu"
    assert "none found; --gpus N plans" in problem_of(settings)


def large(settings: Settings) -> Plan:
    settings.policy.model = "nobody/never-seen-70B"
    return make_plan(settings, Cluster(cpus=64, gpus=8, gpu=GPUS["h100"]))


def test_weights_that_do_not_fit_on_the_gpus_will_fail(settings: Settings) -> None:
    settings.train.gpus_per_worker, settings.train.workers, settings.train.zero_stage = 1, 8, 2
    settings.train.lora = LoraSettings()
    assert [line.split(":")[0] for line in large(settings).problems] == ["engine", "train"]
    settings.engine.tensor_parallel, settings.train.zero_stage = 8, 3
    assert large(settings).problems == []
    settings.train.lora = None
    assert "raise train.zero_stage or train.workers" in large(settings).problems[0]


def test_a_worker_that_no_single_node_can_hold_will_fail(settings: Settings) -> None:
    settings.policy.model, settings.engine.tensor_parallel, settings.engine.device = "nobody/never-seen-7B", 8, "gpu"
    four_each = machines(nodes=4, cpus=16, gpus=4)
    problems = make_plan(settings, four_each).problems
    assert problems[0] == (
        "sample: a worker needs 8 GPUs on one node, a node has 4; change engine.workers, cpus_per_worker or tensor_parallel"
    )
    settings.engine.tensor_parallel = 4
    assert make_plan(settings, four_each).problems == [], "and this machine's disk is not asked about"


def test_several_nodes_are_shown_with_what_each_has_and_what_they_cost(settings: Settings) -> None:
    plan = make_plan(settings, machines(nodes=3, cpus=4, gpus=0))
    text = plan_text(plan)
    assert "on 3 nodes with 4 CPUs, no GPU each (as given)" in text and "node hours if all 3 nodes stay" in text
    priced = plan_text(plan, Prices(node=1000.0, spot=400.0))
    kept = plan.node_hours.kept
    assert kept is not None and f"= {kept * 1000:,.0f} (spot {kept * 440:,.0f}) if all 3 nodes stay" in priced


def test_one_machine_without_a_price_has_no_cost(settings: Settings) -> None:
    plan = make_plan(settings, LAPTOP)
    assert "cost:" not in plan_text(plan) and "if the node stays" in plan_text(plan, Prices(node=1.0))


def test_storage_is_the_run_folder_and_each_model_once(settings: Settings) -> None:
    settings.policy.model = settings.train.base_model = "nobody/never-seen-7B"
    storage = make_plan(settings, LAPTOP).storage
    assert storage.weights == pytest.approx(14, rel=0.01) and storage.run is not None
    settings.train.base_model = "nobody/never-seen-1B"
    assert make_plan(settings, LAPTOP).storage.weights == pytest.approx(16, rel=0.01)
    settings.policy.model = "nobody/never-seen"
    assert make_plan(settings, LAPTOP).storage.weights is None


def test_the_cluster_is_this_machine_unless_another_is_named(tmp_path: Path) -> None:
    assert machines().described == "this machine" and machines().cpus >= 1
    assert (machines(cpus=64, gpus=8, gpu_name="a100").gpu.teraflops, machines(gpus=8).gpus) == (312, 8)
    assert (machines(4, 96, 8).cpus, machines(4, 96, 8).gpus, machines(4, 96, 8).nodes) == (384, 32, 4)
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path) == 2 and visible_gpus(tmp_path / "none") == 0
