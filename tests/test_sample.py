"""What sample refuses before any worker starts (what it makes is in test_any_model.py)."""

from pathlib import Path

import pytest

from selfj.errors import ModelError
from selfj.run import RunFolder
from selfj.sample import sample
from tests.tables import instruction, write_instructions
from tests.tiny_models import make_model, tiny_settings


def test_a_policy_without_a_chat_template_is_refused_before_any_worker_starts(tmp_path: Path, run_folder: RunFolder) -> None:
    settings = tiny_settings(run_folder, make_model(tmp_path / "m", "llama", template=False))
    write_instructions(run_folder, [instruction(0)])
    with pytest.raises(ModelError, match=r"policy\.chat_template"):
        sample(run_folder, settings)


def test_a_policy_whose_digits_are_not_single_tokens_is_refused_before_any_worker_starts(
    tmp_path: Path, run_folder: RunFolder
) -> None:
    settings = tiny_settings(run_folder, make_model(tmp_path / "m", "llama", digits=False))
    write_instructions(run_folder, [instruction(0)])
    with pytest.raises(ModelError, match="digits are single tokens"):
        sample(run_folder, settings)


def test_a_policy_folder_that_is_not_there_is_refused(tmp_path: Path, run_folder: RunFolder) -> None:
    write_instructions(run_folder, [instruction(0)])
    with pytest.raises(ModelError, match=r"check policy\.model"):
        sample(run_folder, tiny_settings(run_folder, tmp_path / "missing"))
