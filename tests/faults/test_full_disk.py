"""A disk that fills up in the middle of a step."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selfj.run import RunFolder
from tests.faults.commands import LIMIT_S, command

pytestmark = pytest.mark.faults


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 200 KB (needs root)."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_ends_the_step_in_one_line_and_the_same_command_finishes_once_there_is_room(
    small_disk: Path, config: Path, prepared: Callable[[str], RunFolder], ended: list["subprocess.Popen[bytes]"]
) -> None:
    before = prepared("sample")
    run = RunFolder(str(small_disk / "run"))
    shutil.copytree(before.address, run.address)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(b"x" * 400_000)
    subprocess.run(["truncate", "-s", f"-{16_000}", str(filler)], check=True)

    process = command(config, run, "sample", log=config.parent / "full.log")
    ended.append(process)
    assert process.wait(LIMIT_S) == 2
    printed = (config.parent / "full.log").read_text()
    errors = [line for line in printed.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "No space left" in errors[0] and "Traceback" not in printed

    filler.unlink()
    again = command(config, run, "sample", log=config.parent / "again.log")
    ended.append(again)
    assert again.wait(LIMIT_S) == 0
    manifest = run.upstream("responses", "score")
    assert manifest.rows_in == manifest.rows_out + manifest.rejected
