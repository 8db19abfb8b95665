"""How far a run is, from its folder alone."""

import json
import os
import time

import pytest

from selfj.errors import RunFolderError
from selfj.records import Judged, Rejected, Response, Scored, rejected, to_table
from selfj.run import RunFolder
from selfj.status import RunStatus, TableStatus, run_status
from selfj.status_text import as_json, status_text
from selfj.tables import Fingerprint
from selfj.training.examples import Example, to_example_table
from tests.tables import instruction, write_instructions


def response(i: int, sample: int = 0) -> Response:
    key = instruction(i).instruction_id
    return Response(f"{key}-{sample}", key, "It is.", "tiny", 1, 3, -2.0, "stop")


def refusals(count: int) -> list[Rejected]:
    return [rejected("sample", "test", "too long") for _ in range(count)]


@pytest.fixture
def run(run_folder: RunFolder) -> RunFolder:
    """A run that stopped in the middle of sampling: 20 instructions in three parts, two answers each, one part done."""
    write_instructions(run_folder, [instruction(i) for i in range(20)])
    table = run_folder.table("responses")
    table.begin(Fingerprint({"sample": {"responses_per_instruction": 2}}, {}), "sample")
    table.write(0, to_table(Response, [response(i, n) for i in range(8) for n in range(2)][1:]), refusals(1), 16)
    return run_folder


def table_of(status: RunStatus, name: str) -> TableStatus:
    (found,) = [table for step in status.steps for table in step.tables if table.table == name]
    return found


def finish(run: RunFolder, rejects: int = 0) -> None:
    """Finish sampling."""
    table = run.table("responses")
    table.write(0, to_table(Response, [response(i, n) for i in range(8) for n in range(2)][rejects:]), refusals(rejects), 16)
    table.write(1, to_table(Response, [response(i, n) for i in range(8, 20) for n in range(2)]), [], 24)
    manifest = table.manifest()
    assert manifest is not None
    manifest.seconds = 8.0
    table.finish(manifest)


def tell_splits(run: RunFolder) -> None:
    """Let the instructions be 11 to train, 6 to test and 3 to calibrate with."""
    manifest = run.table("instructions").manifest()
    assert manifest is not None
    manifest.details = {"splits": {"train": 11, "test": 6, "calibration": 3}}
    run.table("instructions").write_manifest(manifest)


def test_a_step_in_part_tells_what_is_done_and_what_is_left(run: RunFolder) -> None:
    status = run_status(run.address)
    assert [step.state for step in status.steps] == ["in part", "in part", "not begun", "not begun", "not begun", "not begun"]
    responses = table_of(status, "responses")
    assert (responses.state, responses.parts, responses.parts_total) == ("in part", 1, 3)
    assert (responses.rows, responses.rejected, responses.rows_expected) == (15, 1, 40)
    assert responses.bytes > 0 and status.bytes > responses.bytes


def test_when_a_table_was_last_written_tells_whether_somebody_works_on_it(run: RunFolder) -> None:
    hour_ago = time.time() - 3600
    folder = run.path("responses")
    for name in os.listdir(folder):
        os.utime(os.path.join(folder, name), (hour_ago, hour_ago))
    assert 3599 < (table_of(run_status(run.address), "responses").idle_seconds or 0) < 3700
    assert "in part, written 1h 00m ago" in status_text(run_status(run.address))


def test_a_finished_step_tells_its_rate_and_no_longer_its_last_write(run: RunFolder) -> None:
    finish(run)
    responses = table_of(run_status(run.address), "responses")
    assert (responses.state, responses.rows, responses.rows_expected, responses.idle_seconds) == ("finished", 40, 40, None)
    assert (responses.seconds, responses.rows_per_second) == (8.0, 5.0)


def test_unscored_rows_are_counted_without_reading_the_rows(run: RunFolder) -> None:
    finish(run)
    table = run.table("scored")
    table.begin(Fingerprint({}, {}), "score")
    rows = [
        Scored(f"{i}-0", str(i), None, None, None if i < 3 else 0.5, None if i < 3 else 4, "why" if i < 3 else None)
        for i in range(9)
    ]
    table.write(0, to_table(Scored, rows), [], 9)
    scored = table_of(run_status(run.address), "scored")
    assert (scored.rows, scored.unscored, scored.rows_expected) == (9, 3, 40)


def test_judging_expects_the_held_out_answers_twice(run: RunFolder) -> None:
    finish(run)
    tell_splits(run)
    for name in ("judged", "judged_by_policy"):
        run.table(name).begin(Fingerprint({}, {}), "evaluate")
    run.table("judged").write(0, to_table(Judged, [Judged("a-0", "judge", False, None, None, None, "why")]), [], 1)
    status = run_status(run.address)
    assert (table_of(status, "judged").rows_expected, table_of(status, "judged_by_policy").rows_expected) == (36, 18)
    assert table_of(status, "judged").unscored == 1


def begin_training(run: RunFolder) -> None:
    examples = [Example(str(i), "train" if i < 64 else "validation", [[1]], [[2]]) for i in range(80)]
    run.table("training").begin(Fingerprint({}, {}), "train")
    run.table("training").write(0, to_example_table(examples), [], 80)
    run.table("judge").begin(Fingerprint({"train": {"batch_size": 16, "epochs": 2}}, {}), "train")
    for step, text in (
        (2, "{}"),
        (4, json.dumps({"step": 4, "history": [{"losses": {"kl": 0.5}, "validation": {"student_pearson": 0.41}}]})),
    ):
        run.store.write(f"training/checkpoints/step-{step:07d}/progress.json", text.encode())
    run.store.write("training/checkpoints/step-0000006/progress.json", b'{"st')


def test_training_tells_its_last_whole_checkpoint(run: RunFolder) -> None:
    begin_training(run)
    status = run_status(run.address)
    (train,) = [step for step in status.steps if step.step == "train"]
    assert train.training is not None
    assert (train.training.step, train.training.steps, train.training.validation) == (4, 8, {"student_pearson": 0.41})
    assert "last checkpoint at step 4 of 8, kl 0.500, validation student_pearson 0.410" in status_text(status)


def test_answers_that_training_did_not_need_are_not_rejected(run: RunFolder) -> None:
    table = run.table("judge")
    manifest = table.begin(Fingerprint({"train": {}}, {}), "train")
    manifest.finished, manifest.rows_in, manifest.rows_out, manifest.rejected = True, 100, 60, 40
    manifest.details = {"left_out": {"unlabelled": 3, "beyond_max_examples": 36, "too_long": 1}}
    table.write_manifest(manifest)
    judge = table_of(run_status(run.address), "judge")
    assert (judge.rows, judge.rejected, judge.rows_expected) == (60, 4, 64)


def test_a_run_of_another_version_is_shown_as_far_as_it_tells(run_folder: RunFolder) -> None:
    write_instructions(run_folder, [instruction(0)])
    for name in ("responses", "judge"):
        run_folder.table(name).begin(Fingerprint({"other": 1}, {}, code="9.9"), "x")
    status = run_status(run_folder.address)
    assert table_of(status, "responses").rows_expected is None and table_of(status, "judge").state == "in part"


def test_thresholds_and_report_are_named_once_they_are_there(run: RunFolder) -> None:
    assert (run_status(run.address).report, run_status(run.address).thresholds) == (None, [])
    run.store.write("report/index.html", b"<html></html>")
    run.store.write("judge/judge.json", json.dumps({"thresholds": {"coverage=0.8": {}}}).encode())
    status = run_status(run.address)
    assert status.report == f"{run.address}/report/index.html" and status.thresholds == ["coverage=0.8"]
    assert status.steps[-1].state == "finished"


def test_tables_of_variants_and_of_optional_methods_are_shown_once_they_are_begun(run: RunFolder) -> None:
    finish(run)
    tell_splits(run)
    variant = run.begin_variant("judge_cosine", ["scored", "training", "judge", "judged"])
    for folder in (variant.table("judged"), run.table("judged_by_gpt"), run.table("resample_similarities")):
        folder.begin(Fingerprint({}, {}), "x")
    variant.table("judged").write(0, to_table(Judged, [Judged("a-0", "judge", False, None, None, None, "why")]), [], 1)
    status = run_status(run.address)
    judged = table_of(status, "variants/judge_cosine/judged")
    assert (judged.rows, judged.unscored, judged.rows_expected, judged.parts_total) == (1, 1, 18, 3)
    assert table_of(status, "judged_by_gpt").rows_expected == 18
    assert table_of(status, "variants/judge_cosine/scored").state == "not begun"
    assert "variants/judge_cosine/judge " in status_text(status) and "resample_similarities" in status_text(status)


def test_the_status_can_be_read_by_machines(run: RunFolder) -> None:
    values = json.loads(as_json(run_status(run.address)))
    assert values["steps"][1]["tables"][0]["rows_expected"] == 40


def test_looking_changes_nothing(run: RunFolder) -> None:
    before = sorted(run.store.filesystem.find(run.store.root))
    run_status(run.address)
    assert sorted(run.store.filesystem.find(run.store.root)) == before


@pytest.mark.parametrize("inside", [None, "notes.txt"])
def test_a_folder_that_is_no_run_is_refused(run_folder: RunFolder, inside: str | None) -> None:
    if inside:
        run_folder.store.write(inside, b"hello")
    with pytest.raises(RunFolderError, match="no run is there"):
        run_status(run_folder.address)


def test_a_run_may_lie_on_any_file_system() -> None:
    run = RunFolder("memory://runs/trial")
    write_instructions(run, [instruction(i) for i in range(3)])
    assert table_of(run_status("memory://runs/trial"), "instructions").rows == 3
