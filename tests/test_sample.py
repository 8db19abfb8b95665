"""What sample refuses before any worker starts (what it makes is in test_any_model.py)."""

from pathlib import Path

import pytest

from selfj.config import EngineSettings, ModelSettings, SampleSettings, Settings
from selfj.errors import ModelError
from selfj.run import RunFolder
from selfj.sample import sample
from tests.tables import instruction, write_instructions
from tests.tiny_models import make_model


def settings_for(model: Path, run: RunFolder) -> Settings:
    runs, name = run.address.rsplit("/", 1)
    return Settings(
        name=name,
        runs=runs,
        prompts="short",
        policy=ModelSettings(model=str(model), name="tiny"),
        engine=EngineSettings(device="cpu", threads=1, max_sequences=32),
        sample=SampleSettings(responses_per_instruction=2, max_tokens=12),
    )


def test_a_policy_without_a_chat_template_is_refused_before_any_worker_starts(tmp_path: Path, run_folder: RunFolder) -> None:
    settings = settings_for(make_model(tmp_path / "m", "llama", template=False), run_folder)
    write_instructions(run_folder, [instruction(0)])
    with pytest.raises(ModelError, match=r"policy\.chat_template"):
        sample(run_folder, settings)


def test_a_policy_whose_digits_are_not_single_tokens_is_refused_before_any_worker_starts(
    tmp_path: Path, run_folder: RunFolder
) -> None:
    settings = settings_for(make_model(tmp_path / "m", "llama", digits=False), run_folder)
    write_instructions(run_folder, [instruction(0)])
    with pytest.raises(ModelError, match="digits are single tokens"):
        sample(run_folder, settings)


def test_a_policy_folder_that_is_not_there_is_refused(tmp_path: Path, run_folder: RunFolder) -> None:
    write_instructions(run_folder, [instruction(0)])
    with pytest.raises(ModelError, match=r"check policy\.model"):
        sample(run_folder, settings_for(tmp_path / "missing", run_folder))
