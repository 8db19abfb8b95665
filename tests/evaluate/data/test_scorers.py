"""Which methods there are, and what they are shown."""

from pathlib import Path

import pytest

from selfj.config import OutsideJudgeSettings
from selfj.errors import ModelError, SettingsError
from selfj.evaluate.data.scorers import LengthRater, ScorerOptions, judge_folder, make_scorers, read_outside
from selfj.rating import Question


def test_methods_with_a_reference_come_first():
    assert [scorer.name for scorer in make_scorers(ScorerOptions(("length", "cosine")))] == ["cosine", "length"]


def test_length_is_in_characters():
    assert [rating.score for rating in LengthRater().rate([Question("?", ""), Question("?", "äöü")])] == [0, 3]


def test_an_unknown_method_is_an_error_that_names_those_there_are():
    with pytest.raises(SettingsError, match="no method is called 'bleu'; there are cosine, cosine_whole, length"):
        make_scorers(ScorerOptions(("bleu",)))


def test_a_judge_is_found_in_its_folder_and_in_its_run(tmp_path):
    (tmp_path / "run/judge").mkdir(parents=True)
    (tmp_path / "run/judge/judge.json").write_text("{}")
    assert judge_folder(str(tmp_path / "run")) == judge_folder(str(tmp_path / "run/judge")) == str(tmp_path / "run/judge")
    with pytest.raises(ModelError, match=r"nothing: no judge is there \(no judge.json, and no judge/judge.json\)"):
        judge_folder(str(tmp_path / "nothing"))


def test_a_judge_is_asked_in_both_ways_under_its_name(tmp_path):
    (tmp_path / "judge.json").write_text("{}")
    options = ScorerOptions(("length",), judges=(f"mine={tmp_path}", str(tmp_path)))
    assert [scorer.name for scorer in make_scorers(options)] == ["mine_reference", "judge_reference", "length", "mine", "judge"]
    with pytest.raises(SettingsError, match="two methods are called judge; give each judge a name"):
        make_scorers(ScorerOptions((), judges=(str(tmp_path), str(tmp_path))))


def outside(tmp_path: Path, text: str) -> str:
    (tmp_path / "judges.yaml").write_text(text)
    return str(tmp_path / "judges.yaml")


@pytest.mark.parametrize(
    "text",
    ["- {name: gpt, model: gpt-4}", "judges: [{name: gpt, model: gpt-4}]", "evaluate: {judges: [{name: gpt, model: gpt-4}]}"],
)
def test_judges_from_outside_stand_in_a_list_or_in_settings(tmp_path, text):
    (judge,) = read_outside(outside(tmp_path, text))
    assert (judge.name, judge.kind, judge.model) == ("gpt", "openai", "gpt-4")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {name: gpt, modell: x}", "a judge has no field 'modell'"),
        ("- {model: gpt-4}", "a judge has no name"),
        ("name: gpt", "a list of judges is expected"),
        ("a: [", "cannot be read"),
    ],
)
def test_what_is_no_list_of_judges_is_refused_in_one_line(tmp_path, text, problem):
    with pytest.raises(SettingsError, match=problem) as error:
        read_outside(outside(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_judge_from_outside_is_loaded_when_first_asked_and_keeps_its_answers_with_the_results(monkeypatch):
    loaded = []

    def load(settings, engine):
        loaded.append(settings.cache)
        return LengthRater()

    monkeypatch.setattr("selfj.raters.load_judge", load)
    (judge,) = make_scorers(ScorerOptions((), outside=[OutsideJudgeSettings(name="gpt", model="m")], cache="out/cache"))
    assert loaded == []
    assert [judge.rate([Question("?", "abc")])[0].score for _ in range(2)] == [3, 3]
    assert loaded == ["out/cache"]
