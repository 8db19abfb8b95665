"""Functions that settings name."""

from pathlib import Path

import pytest

from selfj.errors import DataError
from selfj.plugins import load_function


def test_a_function_of_the_package_or_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_function("json:loads", "x")("1") == 1
    (tmp_path / "my_own_gold.py").write_text("def grade(metadata, response):\n    return 0.5\n")
    monkeypatch.chdir(tmp_path)
    assert load_function("my_own_gold:grade", "evaluate.gold")({}, "") == 0.5


@pytest.mark.parametrize("address", ["nothing_of_the_kind:f", "json:nothing", "json", "json:__doc__", ""])
def test_what_is_no_function_is_an_error_that_names_the_setting(address: str) -> None:
    with pytest.raises(DataError, match=r"^evaluate\.gold: "):
        load_function(address, "evaluate.gold")
