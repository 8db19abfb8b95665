"""The stages of a study, without models: what is done in which order, and what a fault costs."""

from pathlib import Path

import pytest

from selfj.errors import DataError
from selfj.run import RunFolder
from selfj.study.selfjudge import runs
from selfj.study.selfjudge.kept import kept
from selfj.study.selfjudge.runs import run_seed, run_seeds, seconds_of
from selfj.study.selfjudge.settings import read_selfjudge_study

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stages(monkeypatch, tmp_path):
    """What was done, in order; `failing` names what raises."""
    monkeypatch.chdir(ROOT)
    done: list[str] = []
    failing: dict[str, Exception] = {}

    def stage(name):
        done.append(name)
        if name in failing:
            raise failing[name]

    def steps(settings, names):
        stage(settings.name)
        return RunFolder(settings.run_folder)

    monkeypatch.setattr(runs, "run_selfjudge_steps", steps)
    monkeypatch.setattr(runs, "self_train", lambda run, settings, hosts: stage(settings.self_training.name))
    monkeypatch.setattr(runs, "make_answers", lambda run, name, how, engine: stage(f"{how.answers} answers of {name}"))
    monkeypatch.setattr(runs, "judge_held_out", lambda run, judge, most, engine, seed: stage(f"{most} verdicts"))
    monkeypatch.setattr(runs, "run_tournament", lambda settings: stage(f"tournament of {settings.tables[0]}"))
    base = "[configs/jsft_pocket.yaml, configs/self_train_pocket.yaml]"
    study = read_selfjudge_study(["--base", base, "--runs", str(tmp_path), "--seeds", "[1, 2]", "--pairs", "7"])
    return study, done, failing


ALL = [
    "seed1", "seed1-sft", "1 answers of sft", "offline", "off_policy", "on_policy", "moving_judge", "7 verdicts",
    "16 answers of start", "tournament of answers_start",
]  # fmt: skip


def test_a_seed_is_trained_judged_and_measured(stages):
    study, done, _ = stages
    assert run_seed(study, 1).problems == {} and done == ALL
    assert set(seconds_of(RunFolder(f"{study.folder}/seed1"))) == {
        "start", "sft", "offline", "off_policy", "on_policy", "moving_judge", "verdicts", "tournament",
    }  # fmt: skip


def test_an_arm_that_diverges_costs_no_other_stage(stages):
    study, done, failing = stages
    failing["off_policy"] = DataError("the KL divergence is 70")
    failing["7 verdicts"] = RuntimeError("a library\nbroke")
    found = run_seed(study, 1)
    assert found.problems == {"off_policy": "the KL divergence is 70", "verdicts": "RuntimeError: a library broke"}
    assert done == ALL


def test_without_a_start_nothing_that_builds_on_it_is_begun_and_the_next_seed_is(stages):
    study, done, failing = stages
    failing["seed1"] = DataError("no pairs")
    first, second = run_seeds(study)
    assert first.problems == {"start": "no pairs"} and second.problems == {}
    assert done[:3] == ["seed1", "seed1-sft", "1 answers of sft"] and done[3] == "seed2"


def test_time_of_several_attempts_is_added(stages):
    study, _, _ = stages
    run_seed(study, 1)
    run = RunFolder(f"{study.folder}/seed1")
    runs._add_seconds(run, "start", 5.0)
    before = seconds_of(run)["start"]
    runs._add_seconds(run, "start", 2.5)
    assert seconds_of(run)["start"] == pytest.approx(before + 2.5)


def test_figures_are_made_once_for_the_same_inputs(run_folder):
    made = []

    def make():
        made.append(1)
        return {"agreement": len(made)}

    assert [kept(run_folder, "figures", digest, make)["agreement"] for digest in ("a", "a", "b", "b")] == [1, 1, 2, 2]
