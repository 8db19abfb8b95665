"""The tournament job."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from selfj.config import EngineSettings, ModelSettings, OutsideJudgeSettings
from selfj.contests import step
from selfj.contests.rows import Winner
from selfj.contests.settings import TournamentSettings, read_tournament_settings
from selfj.contests.step import TournamentMaker, run_tournament
from selfj.errors import RunFolderError, SettingsError
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.judges import PairJudgeSettings
from tests.contests.test_summary import Longer
from tests.tiny_models import make_model

ROOT = Path(__file__).parents[2]


def grade(metadata: dict[str, int], response: str) -> float:
    return len(response) / 10


def write_table(tmp_path: Path, contests: int = 5) -> str:
    rows = [{"id": f"q{n}", "instruction": f"Say {n}.", "responses": ["x" * (m + 1) for m in range(4)]} for n in range(contests)]
    file = tmp_path / "table.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give either `path` .a table. or `run`"),
        (["--path", "x", "--run", "y"], "give either `path`"),
        (["--path", "x", "--gold", "grade"], "gold: MODULE:FUNCTION"),
        (["--path", "x", "--most", "0"], "most: at least 1"),
        (["--path", "x"], "judge: give either `model` or `pointwise`"),
        (["--path", "x", "--jugde", "y"], "jugde"),
    ],
)
def test_settings_that_cannot_work_are_one_line(arguments, words):
    with pytest.raises(SettingsError, match=words) as error:
        read_tournament_settings(arguments)
    assert "\n" not in str(error.value)


def test_the_contests_of_a_part_are_judged_round_by_round(tmp_path, monkeypatch):
    calls = []

    class Counting(Longer):
        def compare(self, pairs):
            calls.append(len(pairs))
            return super().compare(pairs)

    monkeypatch.setattr(step, "load_pair_judge", lambda *_: Counting())
    settings = TournamentSettings(runs=str(tmp_path), path=write_table(tmp_path), rows_per_part=10)
    run = RunFolder(settings.folder)
    step._write_contests(run, settings)
    made = TournamentMaker(settings.judge, settings.engine, settings.seed).make(run, 0)
    winners = from_table(Winner, made.rows)
    assert calls == [10, 5] and made.rows_in == 5
    assert {row.response for row in winners} == {"xxxx"} and [row.contest_id for row in winners] == [f"q{n}" for n in range(5)]


def test_contests_that_were_read_from_another_table_are_not_gone_on_with(tmp_path):
    settings = TournamentSettings(runs=str(tmp_path), path=write_table(tmp_path))
    step._write_contests(RunFolder(settings.folder), settings)
    again = step._write_contests(RunFolder(settings.folder), settings)
    assert again.finished and again.rows_out == 5
    write_table(tmp_path, contests=6)
    with pytest.raises(RunFolderError, match="made with other settings"):
        step._write_contests(RunFolder(settings.folder), settings)


@pytest.mark.ray
def test_a_job_holds_all_tournaments_with_a_model_and_goes_on_where_it_was_stopped(ray_local: None, tmp_path: Path) -> None:
    model = make_model(tmp_path / "qwen", "qwen")
    settings = TournamentSettings(
        runs=str(tmp_path / "runs"),
        path=write_table(tmp_path),
        rows_per_part=2,
        judge=PairJudgeSettings(ModelSettings(str(model), dtype="float32"), prompts="short"),
        gold="tests.contests.test_step:grade",
        bootstrap=50,
        engine=EngineSettings(device="cpu", threads=1, max_sequences=16),
    )
    result = json.loads(Path(run_tournament(settings)).read_text())
    assert (result["contests"], result["won"], result["matches"], result["unjudged"]) == (5, 5, 15, 0)
    assert result["judged_in_both_orders"] == 15 and set(result["by_size"]) == {"1", "2", "4"}
    assert result["by_size"]["1"]["grade"] == pytest.approx(0.25)

    run = RunFolder(settings.folder)
    before = run.table("winners").read(1).to_pylist()
    run.store.remove("winners/part-00001.parquet")
    manifest = run.table("winners").manifest()
    assert manifest is not None
    manifest.finished = False
    run.table("winners").write_manifest(manifest)
    assert json.loads(Path(run_tournament(settings)).read_text()) == result
    assert run.table("winners").read(1).to_pylist() == before


@pytest.mark.ray
def test_an_answer_that_a_pointwise_judge_cannot_rate_leaves_its_contest_without_a_winner(
    ray_local: None, tmp_path: Path
) -> None:
    endpoint = OutsideJudgeSettings(
        kind="openai", name="nobody", model="m", base_url="http://127.0.0.1:9/v1", api_key_variable="",
        options={"tries": 1, "give_up_after": 1000},
    )  # fmt: skip
    settings = TournamentSettings(
        runs=str(tmp_path / "runs"), path=write_table(tmp_path), judge=PairJudgeSettings(pointwise=endpoint)
    )
    result = json.loads(Path(run_tournament(settings)).read_text())
    assert (result["contests"], result["won"], result["unjudged"], result["by_size"]) == (5, 0, 15, {})
    reasons = RunFolder(settings.folder).table("winners").read_all().column("reason").to_pylist()
    assert len(reasons) == 5 and all("no reply" in reason for reason in reasons)


def test_the_script_says_what_is_wrong_in_one_line(tmp_path):
    script = [sys.executable, str(ROOT / "ray_jobs/tournament.py"), "--path", "x"]
    done = subprocess.run(script, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("error: settings: judge") and done.stderr.count("\n") == 1
