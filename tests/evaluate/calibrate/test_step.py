"""`selfj calibrate` from a finished run to its judge's card."""

import dataclasses
import json
from pathlib import Path

import pytest

from selfj.cli import main
from selfj.commands import calibrate as command
from selfj.evaluate.calibrate import rows
from selfj.judge.judge import CARD, JudgeFolder, judge_hash
from selfj.run import RunFolder
from selfj.status import thresholds_of
from tests.evaluate.calibrate.table import columns, write_finished_run


@pytest.fixture
def run(tmp_path):
    return write_finished_run(tmp_path / "run", columns())


def card(run):
    return JudgeFolder.load(f"{run}/judge")


def test_a_promise_is_written_with_all_that_it_rests_on(run, capsys):
    assert main(["calibrate", run, "--min-quality", "0.7"]) == 0
    entry = card(run).thresholds["quality=0.7"]
    assert (entry["kind"], entry["target"], entry["confidence"], entry["on"]) == ("quality", 0.7, 0.95, "gold: tests:grade")
    assert (entry["rows"], entry["instructions"], entry["policy"]) == (1200, 600, "tiny")
    assert 0.7 <= entry["lower_bound"] < entry["quality"] < 0.76 and 0 < entry["threshold"] < 9
    assert entry["coverage_low"] < entry["coverage"] < entry["coverage_high"]
    assert entry["coverage"] < entry["best_coverage"] < entry["oracle_coverage"] < 1
    said = capsys.readouterr().out
    assert "a mean quality of at least 0.7 with 95 % confidence" in said and "test split" in said and "gold: tests:grade" in said


def test_the_test_split_is_looked_at_and_has_no_part_in_the_choice(run, tmp_path):
    main(["calibrate", run, "--min-quality", "0.7"])
    entry = card(run).thresholds["quality=0.7"]
    assert entry["test"]["kept"] and entry["test"]["instructions"] == 200
    values = columns()
    worse = [0.1 if split == "test" else gold for gold, split in zip(values["gold"], values["split"], strict=True)]
    other = write_finished_run(tmp_path / "other", values | {"gold": worse})
    main(["calibrate", other, "--min-quality", "0.7"])
    changed = card(other).thresholds["quality=0.7"]
    assert changed["threshold"] == entry["threshold"] and not changed["test"]["kept"] and changed["test"]["quality"] < 0.2


def test_thresholds_of_other_names_stay_and_the_same_name_is_replaced(run, capsys):
    main(["calibrate", run, "--min-quality", "0.7"])
    before = card(run).thresholds["quality=0.7"]
    assert main(["calibrate", run, "--coverage", "0.8"]) == 0
    assert main(["calibrate", run, "--max-risk", "0.3"]) == 0
    assert card(run).thresholds["quality=0.7"] == before
    assert main(["calibrate", run, "--min-quality", "0.7", "--confidence", "0.8", "--on", "label-free"]) == 0
    after = card(run).thresholds
    assert set(after) == {"quality=0.7", "coverage=0.8", "risk=0.3"} == set(thresholds_of(RunFolder(run)))
    assert after["quality=0.7"]["on"] == "label-free quality" and after["quality=0.7"]["confidence"] == 0.8
    assert "replaced in" in capsys.readouterr().out


def test_a_promise_that_cannot_be_made_writes_nothing_and_says_what_could_be(run, capsys):
    before = (card(run), judge_hash(f"{run}/judge"))
    assert main(["calibrate", run, "--min-quality", "0.98"]) == 1
    said = capsys.readouterr().out
    assert said.startswith(
        "no threshold can promise a mean quality of at least 0.98 with 95 % confidence (quality is gold: tests:grade)"
    )
    assert "the best that could be promised is 0." in said and "Nothing was written" in said
    assert (card(run), judge_hash(f"{run}/judge")) == before


def test_a_refusal_leaves_the_earlier_promise_of_that_name(run, capsys):
    main(["calibrate", run, "--min-quality", "0.8", "--confidence", "0.5"])
    before = card(run)
    assert main(["calibrate", run, "--min-quality", "0.8", "--confidence", "0.999999"]) == 1
    assert card(run) == before and "the earlier quality=0.8 stays" in capsys.readouterr().out


def test_the_curve_is_there_for_the_slider(run):
    main(["calibrate", run, "--coverage", "0.8"])
    found = card(run).calibration
    assert (found["on"], found["instructions"], found["confidence"]) == ("gold: tests:grade", 600, 0.95)
    assert set(found["curve"][0]) == {"threshold", "coverage", "quality", "quality_low"}


def test_nothing_but_the_card_is_touched_so_that_no_step_takes_the_judge_for_another(run):
    def contents():
        return {str(file.relative_to(run)): file.read_bytes() for file in Path(run).rglob("*") if file.is_file()}

    before = contents()
    main(["calibrate", run, "--min-quality", "0.7"])
    assert {name for name, content in contents().items() if content != before.get(name)} == {f"judge/{CARD}"}


def test_all_else_on_the_card_and_the_hash_of_the_judge_stay(run):
    before = (card(run), judge_hash(f"{run}/judge"))
    main(["calibrate", run, "--min-quality", "0.7"])
    after = dataclasses.replace(card(run), thresholds={}, calibration={})
    assert (after, judge_hash(f"{run}/judge")) == before


def test_quality_on_another_scale_is_asked_for_and_shown_on_it(tmp_path):
    values = columns()
    run = write_finished_run(tmp_path / "run", values | {"gold": [10 * gold for gold in values["gold"]]})
    assert main(["calibrate", run, "--min-quality", "7", "--scale", "0", "10"]) == 0
    entry = card(run).thresholds["quality=7"]
    assert 7 <= entry["lower_bound"] < entry["quality"] < 7.6 and entry["test"]["kept"] and entry["scale"] == [0, 10]


def test_the_scale_of_the_runs_settings_is_the_default(tmp_path):
    values = columns()
    tenfold = {"gold": [10 * gold for gold in values["gold"]]}
    run = write_finished_run(tmp_path / "run", values | tenfold, gold_scale=[0, 10])
    assert main(["calibrate", run, "--min-quality", "7"]) == 0
    assert card(run).thresholds["quality=7"]["scale"] == [0, 10]
    assert main(["calibrate", run, "--min-quality", "0.6", "--on", "label-free"]) == 0


def test_the_output_for_machines_is_the_entry(run, capsys):
    main(["calibrate", run, "--min-quality", "0.7", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["entry"] == json.loads(json.dumps(card(run).thresholds["quality=0.7"])) and found["refusal"] is None
    assert main(["calibrate", run, "--min-quality", "0.99", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["refusal"]["instructions"] == 600


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--min-quality", "7"], "--min-quality: 7 does not lie between 0 and 1; the ends of another scale: --scale LOW HIGH"),
        (["--max-risk", "0"], "--max-risk: 0 does not lie between 0 and 1"),
        (["--coverage", "80"], "--coverage: 80 does not lie between 0 and 1"),
        (["--coverage", "nan"], "--coverage: nan does not lie between 0 and 1"),
        (["--coverage", "0.8", "--confidence", "95"], "--confidence: 95 does not lie between 0 and 1; 0.95 is usual"),
        (["--min-quality", "5", "--scale", "10", "0"], "--scale: 10 is not below 0; give the lowest quality first"),
        (["--coverage", "0.8", "--policy", "x"], "--policy: no answer is by 'x' (there is tiny)"),
        (["--coverage", "0.8", "--min-quality", "0.7"], "not allowed with argument"),
        ([], "one of the arguments --min-quality --max-risk --coverage is required"),
    ],
)
def test_what_cannot_be_asked_is_one_line(run, capsys, options, problem):
    assert main(["calibrate", run, *options]) == 2
    said = capsys.readouterr().err
    assert problem in said and said.count("\n") == 1


def test_a_run_without_predictions_or_judge_says_which_step_to_run(tmp_path, run, capsys):
    assert main(["calibrate", str(tmp_path / "none"), "--coverage", "0.8"]) == 2
    assert "run the report step" in capsys.readouterr().err
    (tmp_path / "run" / "judge" / CARD).unlink()
    assert main(["calibrate", run, "--coverage", "0.8"]) == 2
    assert "no judge is there" in capsys.readouterr().err


def test_of_several_policies_one_must_be_named(tmp_path, capsys):
    values = columns()
    run = write_finished_run(tmp_path / "run", values | {"policy": ["tiny", "other"] * (len(values["policy"]) // 2)})
    assert main(["calibrate", run, "--coverage", "0.8"]) == 2
    assert "answers of 2 policies (other, tiny); name one: --policy NAME" in capsys.readouterr().err
    assert main(["calibrate", run, "--coverage", "0.8", "--policy", "tiny"]) == 0


def test_the_parser_offers_what_the_step_knows():
    assert command.ON == rows.ON
