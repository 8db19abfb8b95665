"""Many systems from few policies."""

from dataclasses import replace
from pathlib import Path

import pytest

from selfj.config import EngineSettings, ModelSettings
from selfj.errors import RunFolderError, SettingsError
from selfj.evaluate.data import systems
from selfj.evaluate.data.reading import Columns, read_systems
from selfj.evaluate.data.systems import OUTPUTS, SystemsSettings, _name, _write_outputs, make_systems, read_systems_settings
from selfj.records import Instruction, Judged, Response, instruction_id, response_id, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint
from tests.raters.test_trained import make_judge
from tests.tiny_models import make_model

ROOT = Path(__file__).parents[3]
POLICIES = [ModelSettings(model="somewhere", name="v1.5"), ModelSettings(model="elsewhere", name="v2")]


def grade(metadata: dict[str, int], response: str) -> float:
    return float(response.count("x")) if response else None  # type: ignore[return-value]


def test_the_settings_give_at_least_24_systems_on_200_instructions():
    settings = read_systems_settings(["--config", str(ROOT / "configs/systems.yaml")])
    names = {_name(policy, draw) for policy in settings.policies for draw in settings.draws}
    assert len(names) == len(settings.policies) * len(settings.draws) >= 24
    assert settings.instructions >= 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policies", "[]"], "policies: give at least one"),
        (["--policies", "[{model: a, name: x}, {model: b, name: x}]"], "each with a plain `name` of its own"),
        (["--policies", "[{model: a, name: x}]", "--temperatures", "[]"], "at least one of each"),
        (["--policies", "[{model: a, name: x}]", "--temperatures", "[2.5]"], "temperatures: from 0 to 2"),
        (["--policies", "[{model: a, name: x}]", "--top_p", "[0.0]"], "top_p: above 0, at most 1"),
        (["--temprature", "1"], "temprature"),
    ],
)
def test_settings_that_cannot_work_are_one_line(arguments, words):
    with pytest.raises(SettingsError, match=words) as error:
        read_systems_settings(arguments)
    assert "\n" not in str(error.value)


def test_a_run_that_is_not_there_is_an_error(tmp_path):
    settings = SystemsSettings(runs=str(tmp_path), run=str(tmp_path / "nothing"), policies=POLICIES)
    with pytest.raises(RunFolderError, match="instructions"):
        make_systems(settings)


def write(run: RunFolder, name: str, record: type, parts: list[list[object]]) -> None:
    for part, rows in enumerate(parts):
        run.table(name).write(part, to_table(record, rows), [], len(rows))
    run.table(name).finish(run.table(name).begin(Fingerprint({"made": "by a test"}, {}), "test"))


def test_every_system_has_a_file_with_its_own_answers_scores_and_grades(tmp_path):
    settings = SystemsSettings(
        runs=str(tmp_path), policies=POLICIES, temperatures=[0.0, 1.3], gold="tests.evaluate.data.test_systems:grade"
    )
    run, keys = RunFolder(settings.folder), [instruction_id(f"Say {n}.") for n in range(3)]
    asked = [Instruction(key, f"Say {n}.", "x", "common", None, "s", n, "test", "{}") for n, key in enumerate(keys)]
    write(run, "instructions", Instruction, [asked, asked])
    texts = {("v1.5", 0): "", ("v1.5", 1): "x", ("v2", 0): "xx", ("v2", 1): "xxx"}
    for policy in ("v1.5", "v2"):
        answers = [
            [Response(response_id(key, 0), key, texts[policy, way], policy, 0, 1, -1.0, "stop") for key in keys] for way in (0, 1)
        ]
        write(run, f"answers-{policy}", Response, answers)
    judged = [
        [
            Judged(response_id(key, 0), "judge", False, None if system == 3 else float(system), None, None, "too long")
            for key in keys
        ]
        for system in range(4)
    ]
    write(run, "judged", Judged, judged)
    for number, policy in enumerate(POLICIES):
        _write_outputs(run, policy, number, settings)
    found, rejects = read_systems(run.path(OUTPUTS), Columns(score="judge", truth="grade"))
    assert rejects == [] and len(found) == 12
    assert {(row.system, row.response, row.score, row.truth) for row in found} == {
        ("v1.5 at 0", "", 0.0, None),
        ("v1.5 at 1.3", "x", 1.0, 1.0),
        ("v2 at 0", "xx", 2.0, 2.0),
        ("v2 at 1.3", "xxx", None, 3.0),
    }


def test_answers_that_a_policy_gave_with_another_system_prompt_are_not_kept(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(systems, "check_policy", lambda policy, settings: None)
    monkeypatch.setattr(systems, "make_table", lambda run, table, maker, pool: made.append(table.fingerprint))
    settings, run, held_out = SystemsSettings(runs=str(tmp_path)), RunFolder(str(tmp_path / "systems")), Fingerprint({}, {})
    for policy in (POLICIES[0], replace(POLICIES[0], system_prompt="Be brief.")):
        systems._sample(run, policy, settings, held_out)
    assert made[0].changes(made[1]) == ["policy.system_prompt:  → Be brief."]


@pytest.mark.ray
def test_systems_are_sampled_judged_and_graded_and_a_second_job_keeps_them(ray_local, tmp_path, capsys):
    source = RunFolder(str(tmp_path / "run"))
    rows = [
        Instruction(f"{n:02d}", f"Say {n}.", "x", "common", None, "s", n, "test" if n % 2 else "train", "{}") for n in range(20)
    ]
    write(source, "instructions", Instruction, [rows[:10], rows[10:]])
    make_judge(tmp_path / "run/judge")
    source.table("judge").finish(source.table("judge").begin(Fingerprint({"made": "by a test"}, {}), "test"))
    make_model(tmp_path / "policy")
    settings = SystemsSettings(
        runs=str(tmp_path),
        run=source.address,
        policies=[ModelSettings(model=str(tmp_path / "policy"), name="tiny")],
        temperatures=[0.0, 1.0, 1.5],
        instructions=6,
        max_tokens=8,
        prompts="short",
        gold="tests.evaluate.data.test_systems:grade",
        engine=EngineSettings(device="cpu", threads=1, max_sequences=32),
    )
    found, _ = read_systems(make_systems(settings), Columns(score="judge", truth="grade"))
    assert {answer.system for answer in found} == {"tiny at 0", "tiny at 1", "tiny at 1.5"}
    assert [answer.instruction for answer in found[:6]] == [f"Say {n}." for n in (1, 3, 5, 7, 9, 11)]
    assert all(answer.score is not None and 0 <= answer.score <= 9 for answer in found)
    assert len({answer.response for answer in found if answer.system == "tiny at 1.5"}) > 1
    capsys.readouterr()
    assert read_systems(make_systems(settings), Columns(score="judge", truth="grade"))[0] == found
    assert "judged is finished" in capsys.readouterr().out
