"""Settings of a study."""

from pathlib import Path

import pytest

from selfj.config import as_dict
from selfj.errors import SettingsError
from selfj.study.settings import StudySettings, planned_runs, read_study

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def study(**values: object) -> StudySettings:
    return StudySettings(**{"name": "trial", "base": "configs/pocket_tiny.yaml", **values})


@pytest.mark.parametrize("name", ["paper_table", "paper_table_tiny"])
def test_the_studies_of_this_repository_are_read_and_planned(name: str) -> None:
    settings = read_study(["--config", f"configs/{name}.yaml"])
    runs = planned_runs(settings)
    assert settings.name == name and len(runs) == len(settings.seeds) * len(settings.policies)
    assert {"judge_cosine", "judge_self_eval", "judge_no_distillation"} <= set(runs[0].settings.variants)
    assert all(run.settings.evaluate.resamples and run.settings.evaluate.best_of for run in runs)


def test_the_papers_table_tests_each_seed_on_at_least_a_thousand_instructions() -> None:
    settings = read_study(["--config", "configs/paper_table.yaml"])
    assert len(settings.seeds) >= 3
    for run in planned_runs(settings):
        collect = run.settings.collect
        assert collect.max_instructions is not None and collect.max_instructions * collect.test_fraction >= 1050


def test_every_policy_meets_every_seed_in_a_folder_of_its_own() -> None:
    policies = [{"name": "a", "model": "selfj/pocket/policies/base"}, {"model": "selfj/pocket/policies/base"}]
    runs = planned_runs(read_study(["--base", "configs/pocket_tiny.yaml", "--policies", str(policies), "--seeds", "[4, 7]"]))
    assert [run.settings.run_folder for run in runs] == [
        f"runs/study/{name}-seed{seed}" for seed in (4, 7) for name in ("a", "base")
    ]


def test_without_policies_the_one_of_the_base_file_is_studied() -> None:
    assert [run.policy for run in planned_runs(study(seeds=[1]))] == ["pocket"]


def test_a_seed_changes_sampling_training_and_what_generators_ask_and_nothing_else() -> None:
    one, other = (as_dict(run.settings) for run in planned_runs(study(seeds=[1, 2])))
    assert (one.pop("seed"), other.pop("seed")) == (1, 2) and one.pop("name") != other.pop("name")
    assert [entry["collect"]["sources"][0].pop("seed") for entry in (one, other)] == [1, 2]
    assert one == other


def test_two_sources_of_one_generator_do_not_ask_the_same() -> None:
    def seeds(seed: int, *paths: str) -> list[int]:
        sources = [{"path": path, "name": f"source-{number}", "rows": 10} for number, path in enumerate(paths)]
        (run,) = planned_runs(study(seeds=[seed], settings={"collect": {"sources": sources}}))
        return [source.seed for source in run.settings.collect.sources]

    one, other = "selfj.pocket.corpus:instructions", "tests.world:instructions"
    assert seeds(1, one, other) == [1, 1]
    found = [seed for run in (1, 2, 3) for seed in seeds(run, one, one, one)]
    assert len(set(found)) == 9 and found == [seed for run in (1, 2, 3) for seed in seeds(run, one, one, one)]


def test_instructions_can_be_the_same_for_all_seeds() -> None:
    runs = planned_runs(study(seeds=[5, 6], fresh_instructions=False))
    assert [run.settings.collect.sources[0].seed for run in runs] == [1, 1]


def test_settings_of_a_study_are_laid_over_the_base() -> None:
    (run,) = planned_runs(study(seeds=[1], settings={"sample": {"temperature": 0.5}, "evaluate": {"resamples": 3}}))
    assert (run.settings.sample.temperature, run.settings.sample.max_tokens, run.settings.evaluate.resamples) == (0.5, 48, 3)


def test_a_category_left_out_adds_a_judge_that_never_learns_it() -> None:
    variants = {"other": {"train.epochs": 3}}
    (run,) = planned_runs(study(seeds=[1], settings={"variants": variants}, leave_out=["coding"]))
    assert run.settings.variants == {**variants, "judge_without_coding": {"train.exclude_categories": ["coding"]}}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--base", "nowhere.yaml"], "nowhere.yaml is no file"),
        ([], "nothing is no file"),
        (["--base", "configs/pocket_tiny.yaml", "--seeds", "[]"], "at least one"),
        (["--base", "configs/pocket_tiny.yaml", "--seeds", "[1, 1]"], "each one once"),
        (["--base", "configs/pocket_tiny.yaml", "--name", "a/b"], "plain folder name"),
        (["--sedes", "[1]"], "sedes"),
    ],
)
def test_a_wrong_study_is_refused_in_one_line(arguments: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match="study: ") as raised:
        read_study(arguments)
    assert words in str(raised.value) and "\n" not in str(raised.value)


def test_wrong_settings_of_its_runs_are_refused_before_anything_runs() -> None:
    with pytest.raises(SettingsError, match="temprature"):
        planned_runs(study(settings={"sample": {"temprature": 1}}))
    with pytest.raises(SettingsError, match="each needs a name of its own, these are pocket, pocket"):
        policies = planned_runs(study(seeds=[1]))[0].settings.policy
        planned_runs(study(policies=[policies, policies]))
