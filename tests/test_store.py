"""Files on any file system: whole or absent, and their hashes."""

import errno
import os
from pathlib import Path

import pytest

import selfj.store
from selfj.errors import RunFolderError
from selfj.store import Store, content_hash, function_hash, hash_of, local_copy


def test_a_write_that_fails_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(selfj.store.os, "fsync", full_disk)
    with pytest.raises(RunFolderError, match=r"No space left on device\); free space or choose another folder"):
        Store(str(tmp_path)).write("responses/part-00000.parquet", b"rows")
    assert os.listdir(tmp_path / "responses") == []


def test_a_folder_elsewhere_is_copied_for_libraries_that_read_local_files_only(tmp_path: Path) -> None:
    Store("memory://models/judge").write("deeper/config.json", b"{}")
    copy = Path(local_copy("memory://models/judge"))
    assert (copy / "deeper" / "config.json").read_bytes() == b"{}"
    assert local_copy(str(tmp_path)) == str(tmp_path)


def test_another_content_or_model_has_another_hash(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "a").write_text("one")
    first = content_hash(str(tmp_path / "m"))
    (tmp_path / "m" / "a").write_text("two")
    assert content_hash(str(tmp_path / "m")) != first
    (tmp_path / "m" / "a").write_text("one")
    assert content_hash(str(tmp_path / "m")) == first
    assert content_hash("Qwen/Qwen2.5-7B-Instruct") == content_hash("Qwen/Qwen2.5-7B-Instruct") != content_hash("other/name")


def test_a_function_is_another_once_its_file_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    hashes = []
    for text in ("def f(): return 1", "def f(): return 1", "def f(): return 2"):
        (tmp_path / "my_own_function.py").write_text(text)
        hashes.append(function_hash("my_own_function:f"))
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("address", ["selfj.pocket.grading:grade_response", "nothing_of_the_kind:f", "column"])
def test_a_function_of_selfj_goes_by_name_for_its_version_counts(address: str) -> None:
    assert function_hash(address) == hash_of(address)
