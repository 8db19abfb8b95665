"""Settings of a SELF-JUDGE study."""

from pathlib import Path

import pytest

from selfj.errors import SettingsError
from selfj.study.selfjudge.settings import arm_settings, read_selfjudge_study, run_settings, sft_settings

ROOT = Path(__file__).parents[3]
BASE = "[configs/jsft_pocket.yaml, configs/self_train_pocket.yaml]"


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def study(*arguments):
    return read_selfjudge_study(["--base", BASE, *arguments])


def test_the_table_of_the_paper_has_its_rows_on_three_seeds():
    table = read_selfjudge_study(["--config", "configs/selfjudge_table.yaml"])
    assert table.seeds == [1, 2, 3] and table.sft and table.tournament == 16
    arms = {arm: arm_settings(table, 1, arm).self_training for arm in table.arms}
    assert {name: (arm.mode, arm.judge) for name, arm in arms.items()} == {
        "offline": ("offline", "frozen"),
        "off_policy": ("off_policy", "frozen"),
        "on_policy": ("on_policy", "frozen"),
        "moving_judge": ("on_policy", "moving"),
    }
    assert {arm.name for arm in arms.values()} == set(arms), "each has a folder of its own"
    assert arms["offline"].max_examples == arms["on_policy"].rounds * arms["on_policy"].round_prompts, (
        "as many pairs as the others"
    )


def test_every_seed_has_a_run_with_pairs_of_its_own():
    table = study("--seeds", "[3, 4]", "--settings", "{jsft: {epochs: 0.5}}")
    runs = [run_settings(table, seed) for seed in table.seeds]
    assert [run.run_folder for run in runs] == ["runs/selfjudge_table/seed3", "runs/selfjudge_table/seed4"]
    assert [run.seed for run in runs] == [run.preferences.sources[0].seed for run in runs] == [3, 4]
    assert {run.jsft.epochs for run in runs} == {0.5} and runs[0].self_training.gold.startswith("selfj.pocket.grading")


def test_the_baseline_learns_no_verdicts_and_lies_beside():
    settings = sft_settings(study(), 1)
    assert settings.jsft.judge_share == 0 and settings.run_folder == "runs/selfjudge_table/seed1-sft"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--base", "[nowhere.yaml]"], "nowhere.yaml is no file"),
        (["--base", "[]"], "base: give the settings files"),
        (["--seeds", "[1, 1]"], "seeds: each one once"),
        (["--arms", "{start: {}}"], "start and sft are there in any case"),
        (["--arms", "{mine: {beta: -1}}"], "beta: above 0"),
        (["--arms", "{mine: {no_such: 1}}"], "no_such"),
        (["--tournament", "0"], "at least 1"),
        (["--tournaments", "4"], "tournaments"),
    ],
)
def test_settings_that_cannot_work_are_one_line(arguments, words):
    with pytest.raises(SettingsError, match=words) as error:
        study(*arguments)
    assert "\n" not in str(error.value)
