"""The engine against a plain transformers forward pass, on several architectures."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from selfj.config import EngineSettings, ModelSettings
from selfj.engine import Adapter, Engine, SamplingRequest, check_model_folder, content_of_model, engine_pool
from selfj.errors import ModelError
from selfj.labels import label_token_ids
from selfj.prompts import PromptEncoder
from tests.tiny_models import ARCHITECTURES, make_model

SETTINGS = EngineSettings(device="cpu", threads=1, max_sequences=32)


def engine_actor(model: Path, adapter: Adapter | None = None, settings: EngineSettings = SETTINGS) -> Any:
    """An engine in a Ray worker with the environment that engines get."""
    import ray

    pool = engine_pool(SETTINGS)
    actor = ray.remote(num_cpus=1, runtime_env={"env_vars": pool.environment})(Engine)
    return actor.remote(ModelSettings(model=str(model), dtype="float32"), settings, adapter)


def forward(model: Path, ids: list[int]) -> Any:
    """Log-probabilities at every position, from transformers: (tokens, vocabulary)."""
    import torch
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    with torch.no_grad():
        return network(torch.tensor([ids])).logits[0].log_softmax(-1).numpy()


@pytest.mark.ray
@pytest.mark.parametrize(
    "architecture",
    ["qwen", "gemma", pytest.param("mistral", marks=pytest.mark.slow), pytest.param("llama", marks=pytest.mark.slow)],
)
def test_labels_and_samples_agree_with_a_plain_forward_pass(ray_local: None, tmp_path: Path, architecture: str) -> None:
    import ray
    from transformers import AutoTokenizer

    model = make_model(tmp_path / architecture, architecture)
    encoder = PromptEncoder(AutoTokenizer.from_pretrained(model), "short", 400)
    engine = engine_actor(model)

    prompts = [encoder.rating_ids("What is 2?", text, "two") for text in ("2", "drei 3 你好")]
    labels = label_token_ids(encoder.tokenizer, encoder.rating_text("a", "b"))
    logprobs = ray.get(engine.label_logprobs.remote(prompts, labels))
    for prompt, found in zip(prompts, logprobs, strict=True):
        assert found == pytest.approx(forward(model, prompt)[-1, labels], abs=2e-3)

    prompt = encoder.answer_ids("What is 2 + 3?")
    requests = [SamplingRequest(prompt, seed) for seed in (1, 2, 1)]
    first, other, again = ray.get(engine.sample.remote(requests, temperature=1.0, top_p=0.9, max_tokens=5))
    assert first == again and first.text != other.text
    assert first.tokens <= 5 and first.finish_reason in ("stop", "length")
    greedy = ray.get(engine.sample.remote([SamplingRequest(prompt, 0)], temperature=0.0, top_p=1.0, max_tokens=1))[0]
    assert greedy.sum_logprob == pytest.approx(float(forward(model, prompt)[-1].max()), abs=2e-3)
    ray.kill(engine)


@pytest.mark.ray
def test_one_engine_serves_base_weights_and_an_adapter(ray_local: None, tmp_path: Path) -> None:
    import ray
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = make_model(tmp_path / "llama", "llama")
    adapted = get_peft_model(
        AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False),
    )
    adapted.save_pretrained(tmp_path / "adapter")
    ids = list(range(5, 25))
    with torch.no_grad():
        expected = adapted(torch.tensor([ids])).logits[0, -1].log_softmax(-1).numpy()

    engine = engine_actor(model, Adapter("judge", str(tmp_path / "adapter"), 4))
    labels = [7, 8, 9]
    base = ray.get(engine.label_logprobs.remote([ids], labels))[0]
    with_adapter = ray.get(engine.label_logprobs.remote([ids], labels, adapted=True))[0]
    assert base == pytest.approx(forward(model, ids)[-1, labels], abs=2e-3)
    assert with_adapter == pytest.approx(expected[labels], abs=2e-3)
    assert not np.allclose(base, with_adapter, atol=1e-2)
    ray.kill(engine)


@pytest.mark.ray
def test_prompts_that_do_not_fit_one_engine_step_are_sampled_with_their_seeds(ray_local: None, tmp_path: Path) -> None:
    import ray

    engine = engine_actor(make_model(tmp_path / "qwen", "qwen"), settings=dataclasses.replace(SETTINGS, max_batched_tokens=600))
    requests = [SamplingRequest(list(range(5, 300 + i)), i) for i in range(8)]
    samples = ray.get(engine.sample.remote(requests, temperature=1.0, top_p=1.0, max_tokens=4))
    alone = ray.get(engine.sample.remote(requests[3:4], temperature=1.0, top_p=1.0, max_tokens=4))
    assert len(samples) == 8 and samples[3].text == alone[0].text
    ray.kill(engine)


def test_a_model_folder_that_is_not_there_is_an_error_in_one_line(tmp_path: Path) -> None:
    for model in (str(tmp_path / "missing"), "./missing", "a/b/c"):
        with pytest.raises(ModelError, match=r"config\.json"):
            check_model_folder(model)
    check_model_folder("Qwen/Qwen2.5-7B-Instruct")


def test_an_engine_on_gpus_reserves_whole_ones() -> None:
    pool = engine_pool(EngineSettings(device="gpu", workers=2, tensor_parallel=4))
    assert (pool.workers, pool.gpus) == (2, 4)
    assert engine_pool(SETTINGS).gpus == 0


def test_every_architecture_of_the_tests_is_a_real_one() -> None:
    assert set(ARCHITECTURES) == {"llama", "qwen", "mistral", "gemma"}


def test_another_chat_template_makes_another_policy(tmp_path: Path) -> None:
    plain = ModelSettings(model=str(tmp_path))
    template = tmp_path / "chat.jinja"
    found = []
    for text in ("one", "other"):
        template.write_text(text)
        found.append(content_of_model(dataclasses.replace(plain, chat_template=str(template))))
    assert set(content_of_model(plain)) == {"policy"} and found[0]["chat_template"] != found[1]["chat_template"]


def test_a_worker_says_nothing_of_the_triton_it_does_not_need_and_keeps_other_warnings() -> None:
    names = ["torch._library.triton", "torch._dynamo"]
    code = f"import logging, torch\nfor name in {names}: logging.getLogger(name).warning('of ' + name)"
    variables = {**os.environ, **engine_pool(SETTINGS).environment}
    said = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True).stderr
    assert "of torch._dynamo" in said and "triton" not in said
    assert engine_pool(SETTINGS).environment["TORCH_CPP_LOG_LEVEL"] == "ERROR", "of how CPU engines bind their memory"
    assert "TORCH_CPP_LOG_LEVEL" not in engine_pool(EngineSettings(device="gpu")).environment
