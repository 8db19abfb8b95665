"""Parts made by a pool of Ray workers."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from selfj.errors import ModelError, RunFolderError
from selfj.parts import MadePart, Pool, Table, _Worker, make_table
from selfj.records import Similarity, rejected, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint

pytestmark = pytest.mark.ray
FINGERPRINT = Fingerprint({}, {})
kinds = pytest.mark.parametrize("tasks", [False, True], ids=["actors", "tasks"])


class Maker:
    """Three rows a part, one of them rejected; part 1 first kills its worker, if a file asks for it."""

    def __init__(self, ask_to_die: str = "") -> None:
        self.ask_to_die = Path(ask_to_die)

    def make(self, run: RunFolder, part: int) -> MadePart:
        if part == 1 and self.ask_to_die.name and self.ask_to_die.exists():
            self.ask_to_die.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        kept = [Similarity(f"{part}-{i}", 0.0, None) for i in range(2)]
        return MadePart(to_table(Similarity, kept), [rejected("score", "x", "why")], 3)


class Failing:
    """Says what is wrong, as a step's own code would."""

    def make(self, run: RunFolder, part: int) -> MadePart:
        raise ModelError("the model is broken; mend it")


def table(parts: int = 4) -> Table:
    return Table("similarities", "score", FINGERPRINT, list(range(parts)), parts * 2)


@kinds
def test_every_part_is_made_and_counted(ray_local: None, run_folder: RunFolder, tasks: bool) -> None:
    manifest = make_table(run_folder, table(), Maker, Pool(workers=2, tasks=tasks))
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected, manifest.parts) == (12, 8, 4, 4)
    assert manifest.finished and manifest.seconds > 0


def test_finished_parts_are_not_touched_again(ray_local: None, run_folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    made = Maker().make(run_folder, 2)
    run_folder.table("similarities").begin(FINGERPRINT, "score")
    run_folder.table("similarities").write(2, made.rows, made.rejects, made.rows_in)
    path = Path(run_folder.path("similarities/part-00002.parquet"))
    before = path.stat().st_mtime_ns
    manifest = make_table(run_folder, table(), Maker, Pool())
    assert path.stat().st_mtime_ns == before
    assert manifest.rows_out == 8
    assert "1 of 4 parts are there, going on" in capsys.readouterr().out
    assert make_table(run_folder, table(), Failing, Pool()).rows_out == 8


@kinds
def test_a_worker_that_is_killed_is_replaced_and_its_part_made_again(
    ray_local: None, run_folder: RunFolder, tasks: bool, tmp_path: Path
) -> None:
    wish = tmp_path / "die"
    wish.touch()
    manifest = make_table(run_folder, table(), partial(Maker, str(wish)), Pool(tasks=tasks))
    assert not wish.exists()
    keys = run_folder.table("similarities").read_all().column("response_id").to_pylist()
    assert len(keys) == len(set(keys)) == manifest.rows_out == 8


def test_a_part_that_was_written_before_its_worker_died_is_not_made_again(run_folder: RunFolder) -> None:
    made = Maker().make(run_folder, 2)
    run_folder.table("similarities").write(2, made.rows, made.rejects, made.rows_in)
    counts = _Worker(run_folder.address, "similarities", Failing)([2])
    assert counts == [{"rows_out": 2, "rejected": 1, "error": ""}]


def test_parts_that_are_taken_together_are_counted_one_by_one_and_an_error_in_one_does_not_hide_the_others(
    run_folder: RunFolder,
) -> None:
    made = Maker().make(run_folder, 1)
    run_folder.table("similarities").write(1, made.rows, made.rejects, made.rows_in)
    counts = _Worker(run_folder.address, "similarities", Failing)([1, 3])
    assert counts == [
        {"rows_out": 2, "rejected": 1, "error": ""},
        {"rows_out": 0, "rejected": 0, "error": "ModelError: the model is broken; mend it"},
    ]


@kinds
def test_a_worker_may_take_several_parts_at_a_time(ray_local: None, run_folder: RunFolder, tasks: bool) -> None:
    manifest = make_table(run_folder, table(), Maker, Pool(workers=2, together=3, tasks=tasks))
    assert (manifest.parts, manifest.rows_out) == (4, 8)


@kinds
def test_an_error_in_a_worker_comes_out_as_the_one_line_it_was(ray_local: None, run_folder: RunFolder, tasks: bool) -> None:
    with pytest.raises(ModelError, match=r"^the model is broken; mend it$"):
        make_table(run_folder, table(), Failing, Pool(tasks=tasks))
    found = run_folder.table("similarities").manifest()
    assert found is not None and not found.finished


def test_a_table_made_with_other_settings_is_refused_before_any_worker_starts(run_folder: RunFolder) -> None:
    run_folder.table("similarities").begin(Fingerprint({"a": 1}, {}), "score")
    with pytest.raises(RunFolderError, match="a: 1 → None"):
        make_table(run_folder, table(), Failing, Pool())


def test_a_table_of_no_parts_is_finished_and_empty(run_folder: RunFolder) -> None:
    assert make_table(run_folder, table(0), Failing, Pool()).finished
