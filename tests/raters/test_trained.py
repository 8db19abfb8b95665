"""Another run's judge as judge from outside."""

from pathlib import Path

import pytest

from selfj.config import EngineSettings, OutsideJudgeSettings
from selfj.errors import ModelError
from selfj.raters import judge_pool, load_judge
from selfj.rating import Question, Rating
from tests.cards import judge_card
from tests.tiny_models import make_model

ENGINE = EngineSettings(device="cpu", threads=1, max_sequences=32)
QUESTIONS = [Question("What is 1 + 1?", "2"), Question("What is 1 + 1?", "2", "Two."), Question("word " * 300, "2")]


def make_judge(folder: Path) -> str:
    """A judge of whole weights that nobody trained."""
    make_model(folder)
    judge_card(folder, policy="other").write()
    return str(folder)


def expected_score(folder: str, question: Question) -> float:
    """The expected digit, straight from transformers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from selfj.labels import label_token_ids
    from selfj.prompts import PromptEncoder

    encoder = PromptEncoder(AutoTokenizer.from_pretrained(folder), "short", 254)
    labels = label_token_ids(encoder.tokenizer, encoder.rating_text("Is this a question?", "Yes.", "Yes."))
    ids = encoder.rating_ids(question.instruction, question.response, question.reference)
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    with torch.inference_mode():
        logits = network(torch.tensor([ids])).logits[0, -1, labels].float()
    return float(logits.softmax(-1) @ torch.arange(10.0))


@pytest.mark.ray
def test_it_rates_in_the_prompts_it_was_trained_on(ray_local: None, tmp_path: Path) -> None:
    import ray

    folder = make_judge(tmp_path / "judge")
    settings = OutsideJudgeSettings(name="other", kind="selfj", model=folder)
    pool = judge_pool(settings, ENGINE)

    @ray.remote(num_cpus=pool.cpus, runtime_env={"env_vars": pool.environment})
    def rate() -> list[Rating]:
        return load_judge(settings, ENGINE).rate(QUESTIONS)

    plain, shown, long = ray.get(rate.remote())
    assert plain.score == pytest.approx(expected_score(folder, QUESTIONS[0]), abs=0.05)
    assert shown.score == pytest.approx(expected_score(folder, QUESTIONS[1]), abs=0.05)
    assert plain.score != shown.score
    assert long.score is None
    assert "of 254 tokens" in str(long.reason)


def test_a_run_without_a_judge_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no judge is there \(no judge.json\)"):
        load_judge(OutsideJudgeSettings(name="other", kind="selfj", model=str(tmp_path)))
