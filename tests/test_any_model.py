"""Other architectures, tokenizers and chat templates through sample, score, train and judging, on difficult text."""

from pathlib import Path

import pytest

from selfj.config import ModelSettings, SampleSettings, Settings, TrainSettings
from selfj.evaluate.judging import judge_responses
from selfj.judge.step import train_judge
from selfj.run import RunFolder
from selfj.sample import sample
from selfj.score import score
from tests.tables import instruction, write_instructions
from tests.tiny_models import make_model, tiny_settings


def settings_for(model: Path, run: RunFolder) -> Settings:
    return tiny_settings(
        run,
        model,
        prompts="standard",
        policy=ModelSettings(model=str(model), name="tiny", system_prompt="Be brief."),
        sample=SampleSettings(responses_per_instruction=2, max_tokens=12),
        train=TrainSettings(max_examples=16, batch_size=8, epochs=1, max_tokens=320, validation_examples=4, precision="float32"),
    )


# Gemma asks most of the steps: its template refuses system turns and trims, its attention slides, its heads are wide.
LATER = [pytest.param(name, marks=pytest.mark.slow) for name in ("qwen", "mistral")]


@pytest.mark.ray
@pytest.mark.parametrize("architecture", ["gemma", *LATER])
def test_any_architecture_goes_through_the_steps(
    ray_local: None, tmp_path: Path, run_folder: RunFolder, architecture: str
) -> None:
    settings = settings_for(make_model(tmp_path / architecture, architecture), run_folder)
    rows = [instruction(i) for i in range(20)] + [instruction(20, "word " * 700)]
    write_instructions(run_folder, rows)

    sampled = sample(run_folder, settings)
    assert (sampled.rows_in, sampled.rows_out, sampled.rejected) == (42, 40, 2)
    refused = run_folder.table("responses").rejected().to_pylist()
    assert {row["row"] for row in refused} == {20} and "the model's context is 512" in refused[0]["reason"]
    responses = run_folder.table("responses").read_all().to_pylist()
    assert len({row["response_id"] for row in responses}) == 40
    assert all(row["sum_logprob"] < 0 and 1 <= row["tokens"] <= 12 and row["policy"] == "tiny" for row in responses)

    scored = score(run_folder, settings)
    table = run_folder.table("scored").read_all().to_pylist()
    assert [row["response_id"] for row in table] == [row["response_id"] for row in responses]
    assert all(0 <= row["self_evaluation"] <= 9 and -1 <= row["similarity"] <= 1 for row in table)
    assert all(0 <= row["quality"] <= 1 and 0 <= row["label"] <= 9 for row in table)
    assert score(run_folder, settings) == scored

    judge = train_judge(run_folder, settings)
    assert judge.rows_in == judge.rows_out + judge.rejected and judge.rows_out == 16
    judged = judge_responses(run_folder, settings)
    assert all(manifest.rows_out > 0 for manifest in judged)
    assert run_folder.table("judged").read_all().column("score").null_count == 0
