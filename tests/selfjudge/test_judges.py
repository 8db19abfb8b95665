"""What compares answers, from settings."""

import json
from dataclasses import replace

import pytest

from selfj.config import EngineSettings, ModelSettings, OutsideJudgeSettings
from selfj.errors import ModelError, SettingsError
from selfj.selfjudge import judges
from selfj.selfjudge.judges import (
    Asking,
    PairJudgeSettings,
    adapter_of,
    asking_of,
    check_pair_judge,
    load_pair_judge,
    located_judge,
    pair_judge_made_with,
    pair_judge_pool,
)
from selfj.selfjudge.pairwise import PointwiseComparison
from tests.cards import jsft_card

POINTWISE = OutsideJudgeSettings(kind="selfj", name="judge", model="somewhere")


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/config.json").write_text("{}")
    return str(tmp_path / "model")


def write_card(folder, prompts="short", principles=("helpfulness", "honesty")):
    jsft_card(folder, prompts=prompts, principles=list(principles)).write()


def of(model, **further):
    return PairJudgeSettings(ModelSettings(model), **further)


def test_a_jsft_model_is_asked_as_it_was_trained(model):
    write_card(model)
    assert asking_of(of(model)) == Asking("short", ["helpfulness", "honesty"], 300)
    assert asking_of(of(model, prompts="standard", principles=["overall"])) == Asking("standard", ["overall"], 300)


def test_any_other_model_is_asked_in_the_standard_prompt(model):
    assert asking_of(of(model)) == Asking("standard", ["overall"], None)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (PairJudgeSettings(), "give either `model` or `pointwise`"),
        (PairJudgeSettings(ModelSettings("x"), pointwise=POINTWISE), "give either `model` or `pointwise`"),
        (PairJudgeSettings(principles=["beauty"], pointwise=POINTWISE), "beauty: unknown; there is overall"),
    ],
)
def test_settings_that_cannot_work_are_one_line(settings, words):
    with pytest.raises(SettingsError, match=words) as error:
        check_pair_judge(settings)
    assert "\n" not in str(error.value)


def test_a_model_or_adapter_that_is_not_there_is_told_before_anything_starts(model):
    with pytest.raises(ModelError, match=r"config\.json"):
        check_pair_judge(of(f"{model}/missing"))
    with pytest.raises(ModelError, match="no LoRA adapter is there"):
        check_pair_judge(of(model, adapter=model))


def test_an_adapter_is_known_by_its_config(tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8}))
    found = adapter_of(str(tmp_path))
    assert found is not None and (found.rank, found.path) == (8, str(tmp_path))
    assert adapter_of("") is None


def test_a_pointwise_judge_compares_by_its_scores(monkeypatch):
    monkeypatch.setattr(judges, "load_judge", lambda settings, engine, seed: (settings, seed))
    judge = load_pair_judge(PairJudgeSettings(pointwise=POINTWISE), EngineSettings(), seed=7)
    assert isinstance(judge, PointwiseComparison) and judge.rater == (POINTWISE, 7)


def test_verdicts_depend_on_the_model_the_adapter_and_how_it_is_asked_and_not_on_what_was_left_to_its_card(model, tmp_path):
    write_card(model)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8}))
    plain = pair_judge_made_with(of(model))
    assert plain == pair_judge_made_with(of(model, prompts="short", principles=["helpfulness", "honesty"]))
    others = [of(model, prompts="standard"), of(model, adapter=str(tmp_path)), of(model, principles=["overall"])]
    assert all(pair_judge_made_with(other) != plain for other in others)


def test_workers_find_a_judge_wherever_they_are(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert located_judge(of("model")).model.model == model
    assert located_judge(PairJudgeSettings(pointwise=replace(POINTWISE, model="model"))).pointwise == replace(
        POINTWISE, model=model
    )


def test_an_endpoint_needs_no_cpu_of_the_cluster():
    endpoint = OutsideJudgeSettings(kind="openai", name="gpt", model="gpt", workers=3)
    pool = pair_judge_pool(PairJudgeSettings(pointwise=endpoint), EngineSettings(device="cpu"))
    assert (pool.workers, pool.cpus) == (3, 0.1)
