"""The endpoint judge against a real OpenAI-compatible server: vLLM with a pocket policy."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfj.config import EngineSettings, OutsideJudgeSettings
from selfj.engine import engine_pool
from selfj.errors import ModelError
from selfj.raters import load_judge
from selfj.rating import Question

POLICY = Path(__file__).parents[2] / "selfj" / "pocket" / "policies" / "base"
START_LIMIT_S = 240
QUESTIONS = [
    Question("What is 2 plus 3?", "5", "The sum is 5."),
    Question("What is 2 plus 3?", "No idea, sorry."),
    Question("What is 12 + 34?", "46", "46"),
]
"""Such that the policy's likeliest reply begins with a digit."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a vLLM server of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "log"
    arguments = ["--model", str(POLICY), "--served-model-name", "pocket", "--host", "127.0.0.1", "--port", str(port)]
    pool = engine_pool(EngineSettings(device="cpu", threads=1))
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *arguments, "--enforce-eager", "--dtype", "float32"],
            env={**os.environ, **pool.environment, "NO_PROXY": "127.0.0.1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(1)
    pytest.fail(f"the vLLM server did not start: {log.read_text(errors='replace')[-2000:]}")


def judge(server: str, cache: Path | None = None, model: str = "pocket", **parameters: Any) -> Any:
    return load_judge(
        OutsideJudgeSettings(
            name="pocket",
            model=model,
            base_url=server,
            api_key_variable="",
            cache=str(cache or ""),
            options={"prompts": "short", "parameters": parameters, "tries": 2},
        )
    )


def exact(question: Question) -> tuple[float, float]:
    """Expected digit and probability of any digit, straight from transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    from selfj.prompts import PromptEncoder, load_tokenizer

    encoder = PromptEncoder(load_tokenizer(str(POLICY)), "short", 10_000)
    ids = encoder.rating_ids(question.instruction, question.response, question.reference)
    with torch.inference_mode():
        network = AutoModelForCausalLM.from_pretrained(POLICY, dtype=torch.float32).eval()
        probabilities = network(torch.tensor([ids])).logits[0, -1].softmax(-1)[digit_ids()]
    return float(probabilities @ torch.arange(10.0) / probabilities.sum()), float(probabilities.sum())


def digit_ids() -> list[int]:
    from selfj.labels import label_token_ids
    from selfj.prompts import PromptEncoder, load_tokenizer

    encoder = PromptEncoder(load_tokenizer(str(POLICY)), "short", 10_000)
    return label_token_ids(encoder.tokenizer, encoder.rating_text("Is this a question?", "Yes.", "Yes."))


def test_with_the_digits_ids_scores_are_exact(server):
    ratings = judge(server, logprob_token_ids=digit_ids()).rate(QUESTIONS)
    for question, rating in zip(QUESTIONS, ratings, strict=True):
        score, mass = exact(question)
        assert rating.score == pytest.approx(score, abs=1e-3)
        assert rating.digit_mass == pytest.approx(mass, abs=1e-3)


def test_with_the_likeliest_twenty_they_are_near_it(server):
    for question, rating in zip(QUESTIONS, judge(server).rate(QUESTIONS), strict=True):
        assert rating.score == pytest.approx(exact(question)[0], abs=0.05)


def test_a_second_run_needs_no_server(server, tmp_path):
    first = judge(server, tmp_path).rate(QUESTIONS)
    assert judge("http://127.0.0.1:9/v1", tmp_path).rate(QUESTIONS) == first


def test_a_model_that_the_server_does_not_have_stops_the_step(server):
    with pytest.raises(ModelError, match="has no model other"):
        judge(server, model="other").rate(QUESTIONS)


def test_a_question_longer_than_the_context_is_null_and_the_others_are_not(server):
    long, short = judge(server).rate([Question("word " * 5000, "5"), QUESTIONS[0]])
    assert long.score is None
    assert "the endpoint does not take the question" in str(long.reason)
    assert short.score is not None
