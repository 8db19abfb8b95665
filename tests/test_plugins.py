"""Functions that settings name."""

from pathlib import Path

import pytest

from selfj.errors import DataError
from selfj.plugins import load_function, plugin_hash
from selfj.store import hash_of


def test_a_function_of_the_package_or_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_function("json:loads", "x")("1") == 1
    (tmp_path / "my_own_gold.py").write_text("def grade(metadata, response):\n    return 0.5\n")
    monkeypatch.chdir(tmp_path)
    assert load_function("my_own_gold:grade", "evaluate.gold")({}, "") == 0.5


@pytest.mark.parametrize("address", ["nothing_of_the_kind:f", "json:nothing", "json", "json:__doc__", ""])
def test_what_is_no_function_is_an_error_that_names_the_setting(address: str) -> None:
    with pytest.raises(DataError, match=r"^evaluate\.gold: "):
        load_function(address, "evaluate.gold")


def test_a_function_is_another_once_its_file_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    hashes = []
    for text in ("def f(): return 1", "def f(): return 1", "def f(): return 2"):
        (tmp_path / "my_own_function.py").write_text(text)
        hashes.append(plugin_hash("my_own_function:f"))
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("address", ["selfj.pocket.grading:grade_response", "nothing_of_the_kind:f", "column"])
def test_a_function_of_selfj_goes_by_name_for_its_version_counts(address: str) -> None:
    assert plugin_hash(address) == hash_of(address)
