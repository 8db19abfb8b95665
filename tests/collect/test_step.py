"""The step as a whole, on Ray: workers, resuming, counts, what is printed."""

import contextlib
import dataclasses
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selfj import parts
from selfj.collect import collect, step, step_counts, unique
from selfj.collect.near import pairs, verify
from selfj.collect.summary import kind_of
from selfj.collect_settings import NearDuplicateSettings, SourceSettings
from selfj.config import Settings, load_settings
from selfj.errors import DataError, RunFolderError
from selfj.records import Instruction, from_table
from selfj.run import BETWEEN, RunFolder
from selfj.tables import Manifest
from tests.collect.collecting import GENERATED, generated, row, rows, settings_of, write_jsonl
from tests.collect.conftest import make_here, plan_here

pytestmark = pytest.mark.ray


def settings_in(folder: Path, workers: int) -> Settings:
    """Two files, one with bad rows, and a generator of two shards; 300 rows a part."""
    good = write_jsonl(folder / "good.jsonl", rows(50))
    bad = write_jsonl(
        folder / "bad.jsonl", [row(1), {"instruction": 5}, {"instruction": "two words", "output": "x"}, row(900_000)]
    )
    made = SourceSettings(path=GENERATED, name="sums", rows=2500, seed=1)
    return settings_of(good, bad, made, rows_per_part=300, workers=workers)


@dataclass
class Finished:
    """A run that three workers made."""

    folder: Path
    settings: Settings
    manifest: Manifest
    printed: str

    def copy(self, folder: Path) -> RunFolder:
        shutil.copytree(self.folder, folder, copy_function=shutil.copy2)
        return RunFolder(str(folder))


@pytest.fixture(scope="module")
def finished(ray_local: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("finished")
    settings = settings_in(folder, workers=3)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        manifest = collect(RunFolder(str(folder / "run")), settings)
    return Finished(folder / "run", settings, manifest, printed.getvalue())


def near_row(i: int) -> dict[str, Any]:
    """Rows 2k and 2k + 1 are near duplicates."""
    text = " ".join(f"w{(i // 2) * 100 + place}" for place in range(40))
    return {"instruction": f"{text} end {i}", "reference": "It is so."}


def files(folder: str | Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*.parquet"))}


def times(folder: str | Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(Path(folder).rglob("*.parquet"))}


def test_three_workers_make_the_files_that_one_process_makes(finished: Finished, tmp_path: Path, without_ray: None) -> None:
    collect(RunFolder(str(tmp_path / "run")), finished.settings)
    assert files(tmp_path / "run") == files(finished.folder)
    assert len(files(finished.folder)) > 10


def test_counts_reconcile_and_are_told_by_source_and_reason(finished: Finished) -> None:
    counts = step_counts(RunFolder(str(finished.folder)))
    assert (counts.rows_in, counts.rows_out, counts.rejected) == (2554, 2051, 503) and counts.seconds > 0
    assert finished.manifest.finished and finished.manifest.rows_out == 2051
    details = finished.manifest.details
    assert (details["rows_in"], details["rows_out"], details["rejected"]) == (2554, 2051, 503)
    reasons = {"wrong type": 1, "instruction too short": 1, "duplicate": 1}
    assert details["sources"]["bad.jsonl"] == {"read": 4, "kept": 1, "rejected": 3, "reasons": reasons}
    assert details["categories"] == {"academic": 2000, "common": 51}
    assert sum(details["splits"].values()) == 2051


def test_plain_lines_say_what_became_of_each_source(finished: Finished) -> None:
    assert "collect: good.jsonl: 50 rows read, 50 kept, 0 rejected\n" in finished.printed
    assert "collect: sums: 2,500 rows read, 2,000 kept, 500 rejected (duplicate 500)\n" in finished.printed
    assert "collect: all: 2,554 rows read, 2,051 kept (train " in finished.printed
    assert "\r" not in finished.printed


@pytest.fixture
def near_settings(tmp_path: Path) -> Settings:
    """Sixty near duplicates in pairs, parts of about ten rows, several of each table."""
    path = write_jsonl(tmp_path / "near.jsonl", [*rows(3), *(near_row(i) for i in range(60)), near_row(0)])
    return settings_of(path, near_duplicates=NearDuplicateSettings(enabled=True), workers=3, rows_per_part=10)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, limit, size in (
        (step, "UNIQUE_ROWS", 20),
        (pairs, "_ROWS", 400),
        (verify, "_PAIRS", 40),
        (unique, "_TEXT_ROWS", 20),
    ):
        monkeypatch.setattr(module, limit, size)


def test_near_duplicates_are_found_and_every_row_is_accounted_for(
    tmp_path: Path, near_settings: Settings, small_parts: None, without_ray: None
) -> None:
    run = RunFolder(str(tmp_path / "run"))
    manifest = collect(run, near_settings)
    counts = step_counts(run)
    assert (counts.rows_in, counts.rows_out, counts.rejected) == (64, 33, 31)
    assert manifest.details["reasons"] == {"near duplicate": 30, "duplicate": 1}
    assert set(run.tables_of("collect")) == {"collected", "instructions", *BETWEEN}
    assert all(len(run.table(name).parts()) > 1 for name in ("unique", "bands", "near_pairs", "near_verified", "instructions"))
    assert collect(run, near_settings).details == manifest.details


def test_near_duplicates_by_three_workers_are_those_of_one_process(
    ray_local: None, tmp_path: Path, near_settings: Settings, small_parts: None
) -> None:
    alone, together = RunFolder(str(tmp_path / "alone")), RunFolder(str(tmp_path / "together"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_make_missing", make_here)
        patch.setattr(step, "_plan", plan_here)
        collect(alone, near_settings)
    collect(together, near_settings)
    assert files(alone.address) == files(together.address) and len(files(alone.address)) > 20


def test_a_half_finished_run_goes_on_and_leaves_finished_parts_alone(finished: Finished, tmp_path: Path) -> None:
    run = finished.copy(tmp_path / "half")
    before = times(run.address)
    lost = {"collected/part-00001.parquet", "instructions/part-00000.parquet", "instructions/part-00003.parquet"}
    for name in lost:
        Path(run.path(name)).unlink()
    for name in ("collected", "instructions"):
        manifest = run.table(name).manifest()
        assert manifest
        run.table(name).write_manifest(dataclasses.replace(manifest, finished=False, details={}))
    collect(run, finished.settings)
    assert files(run.address) == files(finished.folder)
    after = times(run.address)
    assert {name for name in before if after[name] != before[name] and "/rejected/" not in name} == lost


def test_a_finished_run_is_left_alone_with_other_resources_and_refused_with_other_settings(
    finished: Finished, tmp_path: Path
) -> None:
    run = finished.copy(tmp_path / "again")
    settings = settings_in(tmp_path, workers=1)
    for source in settings.collect.sources[:2]:
        source.path = str(finished.folder.parent / Path(source.path).name)
    assert collect(run, settings).details == finished.manifest.details
    assert times(run.address) == times(finished.folder)
    settings.collect.min_words = 4
    with pytest.raises(RunFolderError, match="min_words: 3 → 4"):
        collect(run, settings)


def test_another_content_of_a_file_is_refused(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = finished.folder.parent / "good.jsonl"
    before = good.read_bytes()
    try:
        write_jsonl(good, rows(51))
        with pytest.raises(RunFolderError, match=r"inputs\.good\.jsonl"):
            collect(finished.copy(tmp_path / "run"), finished.settings)
    finally:
        good.write_bytes(before)


def test_a_source_that_is_missing_is_the_error_it_is(ray_local: None, run_folder: RunFolder) -> None:
    with pytest.raises(DataError, match=r"source 'none\.jsonl': nowhere/none\.jsonl: no such file"):
        collect(run_folder, settings_of("nowhere/none.jsonl"))


def test_sources_that_are_missing_or_broken_are_told_and_do_not_stop_the_others(
    ray_local: None, run_folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    good = write_jsonl(tmp_path / "good.jsonl", rows(5))
    settings = settings_of(good, tmp_path / "bad.parquet", SourceSettings(path="nowhere.jsonl", published=7))
    details = collect(run_folder, settings).details
    assert (
        details["rows_out"] == 5 and "not a readable Parquet file" in details["sources"]["bad.parquet"]["problems"]["bad.parquet"]
    )
    printed = capsys.readouterr().out
    assert "collect: nowhere.jsonl: 0 rows read, 0 kept (published: 7), 0 rejected\n" in printed
    assert "collect: warning: nowhere.jsonl cannot be read and is left out: source 'nowhere.jsonl'" in printed
    settings.collect.strict = True
    for problem in (r"bad\.parquet: not a readable Parquet file", r"nowhere\.jsonl: no such file or folder"):
        with pytest.raises(DataError, match=problem):
            collect(RunFolder(str(tmp_path / "strict")), settings)
        del settings.collect.sources[1]


def test_no_instruction_at_all_is_an_error_with_the_reasons_also_the_second_time(
    without_ray: None, run_folder: RunFolder, tmp_path: Path
) -> None:
    path = write_jsonl(tmp_path / "bad.jsonl", [{"instruction": "a b c"}, {"instruction": 1}, {"instruction": 2}])
    for _ in range(2):
        with pytest.raises(DataError, match=r"no instruction is left of 3 rows \(wrong type 2, missing reference 1\)"):
            collect(run_folder, settings_of(path))


def test_empty_sources_are_an_error_that_says_so(without_ray: None, run_folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    with pytest.raises(DataError, match=r"of 0 rows \(the sources are empty\)"):
        collect(run_folder, settings_of(tmp_path / "empty.jsonl"))


def test_files_are_counted_by_source_and_a_source_that_gives_nothing_is_warned_of(
    without_ray: None, run_folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(2):
        write_jsonl(tmp_path / "many" / f"{i}.jsonl", [*rows(3, 10 * i), {"instruction": "a", "output": "b"}])
    wrong = write_jsonl(tmp_path / "folder" / "wrong.jsonl", [{"question": "a b c"}])
    manifest = collect(run_folder, settings_of(tmp_path / "many", SourceSettings(path=str(wrong), name="other")))
    assert manifest.details["sources"]["many"] == {"read": 8, "kept": 6, "rejected": 2, "reasons": {"instruction too short": 2}}
    assert "collect: warning: other gave no instruction at all" in capsys.readouterr().out


def test_the_kind_of_a_reason_is_what_stands_before_the_colon() -> None:
    assert kind_of("row too long: 5 bytes") == "row too long" and kind_of("beyond max_instructions") == "beyond max_instructions"


def test_the_shared_files_reconcile_row_by_row(without_ray: None, run_folder: RunFolder, shared_data: Path) -> None:
    settings = load_settings("configs/shared_data.yaml")
    for source in settings.collect.sources:
        source.path = str(shared_data / "instructions" / Path(source.path).name)
    details = collect(run_folder, settings).details
    counts = step_counts(run_folder)
    assert counts.rows_in == 37_649 == counts.rows_out + counts.rejected
    assert details["reasons"] == {"duplicate": 3199, "empty reference": 10, "instruction too long": 4, "reference too long": 4}
    assert details["categories"] == {"common": 22_424, "academic": 7473, "coding": 4535}
    read = {name: source["read"] for name, source in details["sources"].items()}
    assert read == {"alpaca": 22_645, "dolly": 2996, "gsm8k": 7473, "codealpaca": 4535}
    rejects: list[Any] = [
        item for name in ("collected", "instructions") for item in run_folder.table(name).rejected().to_pylist()
    ]
    kept = from_table(Instruction, run_folder.table("instructions").read_all())
    accounted = [(item["source"], item["row"]) for item in rejects] + [(item.source, item.row) for item in kept]
    assert sorted(accounted) == [(name, i) for name in sorted(read) for i in range(read[name])]


def slow(seed: int, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """The generated rows, a shard of 2,000 in about a second."""
    for number, values in enumerate(generated(seed, start, stop)):
        if number % 40 == 0:
            time.sleep(0.02)
        yield values


SLOW, FAST = (SourceSettings(path=path, name="sums", rows=8_000) for path in ("tests.collect.test_step:slow", GENERATED))


def run_in(cluster: str, address: str) -> None:
    """Collect on a Ray that is there: what the killed driver does."""
    import ray

    ray.init(address=cluster, logging_level="WARNING")
    collect(RunFolder(address), settings_of(SLOW))


@pytest.mark.faults
def test_a_driver_that_is_killed_costs_only_the_parts_in_flight(ray_local: None, tmp_path: Path, without_ray: None) -> None:
    import ray

    killed, whole = RunFolder(str(tmp_path / "killed")), RunFolder(str(tmp_path / "whole"))
    cluster = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", f"from tests.collect.test_step import run_in; run_in({cluster!r}, {killed.address!r})"]
    driver = subprocess.Popen(command, start_new_session=True, env={**os.environ, "PYTHONPATH": os.getcwd()})
    while not killed.table("collected").parts():
        assert driver.poll() is None
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    there = times(killed.address)
    assert killed.table("collected").parts() != [0, 1, 2, 3] and killed.table("instructions").manifest() is None
    collect(killed, settings_of(SLOW))
    collect(whole, settings_of(FAST))
    assert files(killed.address) == files(whole.address)
    after = times(killed.address)
    assert all(after[name] == moment for name, moment in there.items())
