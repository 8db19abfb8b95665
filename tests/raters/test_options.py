"""Settings of judges from outside that would fail hours into a run are refused before it."""

from typing import Any

import pytest

from selfj.config import EngineSettings, OutsideJudgeSettings
from selfj.errors import SettingsError
from selfj.raters import content_of, judge_pool
from selfj.raters.options import check_judges, endpoint_options, trained_judge_options


def test_options_get_the_types_of_their_kind():
    judge = OutsideJudgeSettings(name="gpt", model="gpt-4", options={"tries": 3, "parameters": {"max_tokens": None}})
    options = endpoint_options(judge)
    assert (options.tries, options.parameters, options.prompts) == (3, {"max_tokens": None}, "standard")
    other = OutsideJudgeSettings(name="other", kind="selfj", model="runs/a/judge", options={"engine": {"threads": 2}})
    assert trained_judge_options(other).engine == EngineSettings(threads=2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {"tires": 3}}, "tires"),
        ({"options": {"tries": "many"}}, "tries"),
        ({"options": {"tries": 0}}, "above 0"),
        ({"options": {"prompts": "long"}}, "prompts"),
        ({"base_url": "localhost:8000"}, "base_url: 'localhost:8000' is no address"),
        ({"model": ""}, "model: give"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"requests_per_minute": -1}, "requests_per_minute"),
        ({"kind": "reward_model", "with_reference": True}, "with_reference"),
        ({"kind": "reward_model", "options": {"tries": 3}}, "tries"),
        ({"kind": "selfj", "options": {"engine": {"theads": 3}}}, "theads"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line_that_names_the_judge(changes: dict[str, Any], message: str):
    fine: dict[str, Any] = {"name": "mine", "model": "some-model"}
    check_judges([OutsideJudgeSettings(**fine)])
    with pytest.raises(SettingsError, match=message) as problem:
        check_judges([OutsideJudgeSettings(**{**fine, **changes})])
    assert str(problem.value).startswith("settings: evaluate.judges: ")
    assert "\n" not in str(problem.value)


def test_only_what_computes_here_reserves_processors():
    engine = EngineSettings(device="cpu", cpus_per_worker=2)
    assert judge_pool(OutsideJudgeSettings(kind="openai", workers=3), engine).workers == 3
    assert judge_pool(OutsideJudgeSettings(kind="openai"), engine).cpus < 0.5
    assert judge_pool(OutsideJudgeSettings(kind="reward_model", gpus=1), engine).gpus == 1
    assert judge_pool(OutsideJudgeSettings(kind="selfj"), engine).cpus == 2


def test_an_endpoints_fingerprint_is_its_models_name(tmp_path, monkeypatch):
    judge = OutsideJudgeSettings(model="gpt-4")
    before = content_of(judge)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gpt-4").write_text("a file of that name")
    assert content_of(judge) == before != content_of(OutsideJudgeSettings(model="gpt-5"))
