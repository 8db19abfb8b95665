"""A study from its settings to its page; the runs themselves are made of numbers."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from selfj.config import STEPS, ModelSettings, Settings
from selfj.errors import ModelError
from selfj.run import RunFolder
from selfj.study import runs as runs_module
from selfj.study.settings import StudySettings
from selfj.study.study import main, run_study
from tests.study.worlds import METHODS, Finished, curve, write_finished

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>"


class Runs:
    """Stands in for the pipeline: writes what a finished run has."""

    def __init__(self) -> None:
        self.began: list[tuple[str, tuple[str, ...]]] = []
        self.judges: dict[str, list[str]] = {}
        self.failing: dict[str, Exception] = {}

    def __call__(self, settings: Settings, steps: Sequence[str] = STEPS) -> None:
        self.began.append((settings.name, tuple(steps)))
        if settings.name in self.failing:
            raise self.failing[settings.name]
        if "report" in steps:
            self.judges[settings.name] = [judge.name for judge in settings.evaluate.judges]
            extra = {name: 1.0 for name in self.judges[settings.name]} | {
                name: 1.3 for name in settings.variants if name.startswith("judge_without_")
            }
            world = Finished(settings.seed, settings.policy_name, 60, best_of_n=curve(0.2), extra=extra)
            write_finished(settings.run_folder, world)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """The runs that a study begins."""
    monkeypatch.chdir(ROOT)
    fake = Runs()
    monkeypatch.setattr(runs_module, "run_steps", fake)
    return fake


def study(folder: Path, *policies: str, **values: object) -> StudySettings:
    models = [ModelSettings(model="selfj/pocket/policies/base", name=name) for name in policies or ("one",)]
    settings = {"evaluate": {"bootstrap": 50}}
    return StudySettings(**{"name": "trial", "runs": str(folder), "base": "configs/pocket_tiny.yaml", "policies": models,
                            "seeds": [1, 2], "settings": settings, **values})  # fmt: skip


def report(folder: Path, name: str = "metrics.json") -> str:
    return (folder / "trial" / "report" / name).read_text()


def test_every_run_is_made_and_the_table_has_page_markdown_and_metrics(runs: Runs, tmp_path: Path) -> None:
    assert run_study(study(tmp_path, "one", "two"))
    assert [name for name, _ in runs.began] == ["one-seed1", "two-seed1", "one-seed2", "two-seed2"]
    metrics = json.loads(report(tmp_path))
    assert list(metrics["policies"]) == ["one", "two"] and set(metrics["mean"]) == {method[0] for method in METHODS}
    assert metrics["seeds"] == [1, 2] and [run["finished"] for run in metrics["runs"]] == [True] * 4
    page, table = report(tmp_path, "index.html"), report(tmp_path, "table.md")
    for _, title, _, paper, _ in METHODS:
        assert title in page and f"{paper:.2f}" in page and title in table and f"{paper:.2f}" in table
    assert "policy one" in table and "Task mean" in table and "another world" in page


def test_the_page_has_the_numbers_of_each_runs_own_report(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path, settings={"evaluate": {"bootstrap": 20, "judges": [{"name": "gpt", "model": "g"}]}}))
    page = report(tmp_path, "index.html")
    for words in ("excess<br>AURC", "AURC of<br>all answers", "less chance", "Risk at each coverage", "length held constant",
                  "Against judges from outside", "Loss is 1 − gold."):  # fmt: skip
        assert words in page, words


def test_every_row_of_the_table_says_how_many_answers_it_is_about(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path, "one", "two"))
    first = report(tmp_path, "table.md").split("| order to expect")[0]
    head, *rows = [line.strip("| ").split(" | ") for line in first.splitlines() if line.startswith("| ")]
    place = head.index("answers scored")
    methods = [row for row in rows if "reference**" not in row[0]]
    assert {(len(row), row[place]) for row in methods} == {(len(head), "100 %")} and len(methods) == len(METHODS) + 1


def test_the_page_needs_no_network(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path))
    page = report(tmp_path, "index.html").replace("http://www.w3.org", "")
    assert "http:" not in page and "https:" not in page and "<script" not in page and "<link" not in page
    assert "<svg" in page and 'href="../one-seed1/report/index.html"' in page


def test_with_one_policy_the_seeds_have_columns(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path))
    assert "| seed 1 | seed 2 |" in report(tmp_path, "table.md")


def test_finished_runs_are_skipped_and_the_table_is_made_anew(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path))
    (tmp_path / "trial" / "report" / "index.html").unlink()
    runs.began.clear()
    assert run_study(study(tmp_path, seeds=[1, 2, 3]))
    assert [name for name, _ in runs.began] == ["one-seed3"]
    assert "seed 3" in report(tmp_path, "table.md")


def test_a_run_with_other_settings_is_not_taken_for_finished(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path))
    runs.began.clear()
    run_study(study(tmp_path, settings={"evaluate": {"bootstrap": 60}}))
    assert len(runs.began) == 2


def test_a_run_whose_gold_file_has_changed_is_not_taken_for_finished(runs: Runs, tmp_path: Path) -> None:
    file = tmp_path / "gold.csv"
    settings = {"evaluate": {"bootstrap": 20, "gold": "column", "gold_file": str(file)}}
    for text in ("response_id,gold", "response_id,gold", "response_id,gold\na-0,1"):
        file.write_text(text)
        run_study(study(tmp_path, seeds=[1], settings=settings))
    assert len(runs.began) == 2


@pytest.mark.parametrize("what", ["source", "template", "function"])
def test_a_run_is_not_finished_once_a_file_that_its_settings_name_has_changed(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    files = {"source": "asked.jsonl", "template": "chat.jinja", "function": "grading_of_mine.py"}
    for name in files.values():
        (tmp_path / name).write_text("first")
    monkeypatch.syspath_prepend(tmp_path)
    policy = ModelSettings(model="selfj/pocket/policies/base", name="one", chat_template=str(tmp_path / "chat.jinja"))
    settings = {
        "collect": {"sources": [{"path": str(tmp_path / "asked.jsonl")}]},
        "evaluate": {"bootstrap": 20, "gold": "grading_of_mine:grade"},
    }
    for expected, text in ((1, "first"), (1, "first"), (2, "second")):
        (tmp_path / files[what]).write_text(text)
        run_study(study(tmp_path, seeds=[1], policies=[policy], settings=settings))
        assert len(runs.began) == expected


@pytest.mark.parametrize("problem", [ModelError("one-seed1: no chat template"), RuntimeError(f"{HOSTILE}\nlong")])
def test_a_run_that_fails_loses_no_other_and_is_named_as_missing(runs: Runs, tmp_path: Path, problem: Exception) -> None:
    runs.failing["one-seed1"] = problem
    assert not run_study(study(tmp_path, "one", "two"))
    metrics = json.loads(report(tmp_path))
    assert metrics["policies"]["one"]["runs"] == ["one-seed2"] and len(metrics["policies"]["two"]["runs"]) == 2
    missing = [run for run in metrics["runs"] if not run["finished"]]
    assert len(missing) == 1 and missing[0]["name"] == "one-seed1" and str(problem).split()[0] in missing[0]["problem"]
    page = report(tmp_path, "index.html")
    assert "1 of 4 runs missing" in page and HOSTILE not in page and "one-seed1" in report(tmp_path, "table.md")


def test_a_study_without_any_finished_run_says_why(runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs.failing["pocket-seed1"] = ModelError("no chat template")
    assert main(["--base", "configs/pocket_tiny.yaml", "--runs", str(tmp_path), "--seeds", "[1]"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: study: no run could be finished") and "no chat template" in line


def test_the_exit_status_tells_a_whole_table_from_one_with_gaps(runs: Runs, tmp_path: Path) -> None:
    arguments = ["--base", "configs/pocket_tiny.yaml", "--runs", str(tmp_path), "--seeds", "[1, 2]"]
    runs.failing["pocket-seed2"] = ModelError("no chat template")
    assert main(arguments) == 1
    runs.failing.clear()
    assert main(arguments) == 0


def test_a_run_whose_predictions_are_damaged_is_missing_too(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path))
    RunFolder(str(tmp_path / "trial" / "one-seed2")).store.write("report/predictions.parquet", b"not Parquet")
    assert not run_study(study(tmp_path))
    assert [run["finished"] for run in json.loads(report(tmp_path))["runs"]] == [True, False]


def test_all_judges_are_trained_before_they_score_each_others_answers(runs: Runs, tmp_path: Path) -> None:
    assert run_study(study(tmp_path, "one", "two", cross=True, seeds=[1, 2]))
    first = [(name, steps[-1]) for name, steps in runs.began[:4]]
    assert first == [(name, "train") for name in ("one-seed1", "two-seed1", "one-seed2", "two-seed2")]
    assert runs.judges["one-seed2"] == ["judge_of_two"] and runs.judges["two-seed1"] == ["judge_of_one"]
    cross = json.loads(report(tmp_path))["cross"]
    assert [(row["policy"], row["judge"], row["runs"]) for row in cross] == [("one", "two", 2), ("two", "one", 2)]
    assert "judge of one policy on another" in report(tmp_path, "index.html")


def test_with_one_policy_there_is_nothing_to_cross(runs: Runs, tmp_path: Path) -> None:
    assert run_study(study(tmp_path, cross=True))
    assert json.loads(report(tmp_path))["cross"] == []


def test_a_judge_that_could_not_be_trained_judges_nobody(runs: Runs, tmp_path: Path) -> None:
    runs.failing["two-seed1"] = ModelError("no chat template")
    assert not run_study(study(tmp_path, "one", "two", cross=True, seeds=[1]))
    assert runs.judges == {"one-seed1": []}


def test_leaving_out_a_category_has_a_table(runs: Runs, tmp_path: Path) -> None:
    run_study(study(tmp_path, leave_out=["coding", "academic"]))
    assert [row["category"] for row in json.loads(report(tmp_path))["left_out"]] == ["academic", "coding"]
    assert "never saw" in report(tmp_path, "index.html")


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(1500)
def test_a_real_study_makes_every_row(tmp_path: Path) -> None:
    """Two policies (the same model twice) in the smallest world, every step real, on a Ray head of its own."""
    policies = str([{"name": name, "model": "selfj/pocket/policies/base"} for name in ("one", "two")])
    chosen = ["--config", "configs/paper_table_tiny.yaml", "--runs", str(tmp_path), "--seeds", "[1]", "--policies", policies]
    command = [
        sys.executable,
        "cluster/local.py",
        "run",
        "--",
        sys.executable,
        "ray_jobs/paper_table.py",
        *chosen,
        "--cross",
        "true",
    ]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_MODE": "token"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    metrics = json.loads((tmp_path / "paper_table_tiny" / "report" / "metrics.json").read_text())
    assert set(metrics["mean"]) == {method[0] for method in METHODS}
    assert all(entry["pearson"] is not None and entry["runs"] == 2 for entry in metrics["mean"].values())
    assert set(metrics["best_of_n"]["picks"]) >= {"1", "4"} and metrics["left_out"][0]["category"] == "coding"
    assert [(row["policy"], row["judge"]) for row in metrics["cross"]] == [("one", "two"), ("two", "one")]
