"""Sample and score on tiny models with random weights, with real workers."""

from pathlib import Path

import pytest

from selfj.config import EngineSettings, ModelSettings, SampleSettings, Settings
from selfj.errors import ModelError
from selfj.run import RunFolder
from selfj.sample import sample
from selfj.score import score
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


@pytest.mark.ray
@pytest.mark.parametrize("architecture", ["qwen", "mistral", "gemma"])
def test_any_architecture_goes_through_sample_and_score(
    ray_local: None, tmp_path: Path, run_folder: RunFolder, architecture: str
) -> None:
    settings = settings_for(make_model(tmp_path / architecture, architecture, context=256), run_folder)
    rows = [instruction(i) for i in range(15)] + [instruction(15, "word " * 400)]
    write_instructions(run_folder, rows)

    manifest = sample(run_folder, settings)
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected) == (32, 30, 2)
    refused = run_folder.table("responses").rejected().to_pylist()
    assert {row["row"] for row in refused} == {15} and "the model's context is 256" in refused[0]["reason"]
    responses = run_folder.table("responses").read_all().to_pylist()
    assert len({row["response_id"] for row in responses}) == 30
    assert all(row["sum_logprob"] < 0 and 1 <= row["tokens"] <= 12 and row["policy"] == "tiny" for row in responses)

    scored = score(run_folder, settings)
    assert (scored.rows_in, scored.rows_out) == (30, 30)
    table = run_folder.table("scored").read_all().to_pylist()
    assert [row["response_id"] for row in table] == [row["response_id"] for row in responses]
    assert all(
        0 <= row["self_evaluation"] <= 9 and -1 <= row["similarity"] <= 1 and 0 <= row["quality"] <= 1 and 0 <= row["label"] <= 9
        for row in table
    )
    assert set(scored.details) == {"self_evaluation", "similarity", "cut_points"}
    assert score(run_folder, settings) == scored


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
