"""Rollouts through OpenRLHF's own code, with an engine that says what it is told.

    python openrlhf_rollout.py REMOTE_URL POLICY

Prints the reward that the experience holds for each of three answers. Packages' own `__init__` are left out: they import
flash-attn and the like, which neither the reward call nor the experience needs.
"""

import asyncio
import importlib
import json
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

from transformers import AutoTokenizer

ANSWERS = ("good", "bad", "long")


def import_alone(*names):
    """Modules of openrlhf without what their packages import."""
    root = next(Path(folder) for folder in sys.path if (Path(folder) / "openrlhf").is_dir())
    for package in ("openrlhf", "openrlhf.utils", "openrlhf.trainer", "openrlhf.trainer.ppo_utils", "openrlhf.trainer.ray"):
        module = sys.modules[package] = types.ModuleType(package)
        module.__path__ = [str(root / package.replace(".", "/"))]
    for name in ("openrlhf.trainer.ray.vllm_engine", "openrlhf.utils.utils", "vllm", "ray"):
        sys.modules[name] = MagicMock()
    return [importlib.import_module(name) for name in names]


class Engine:
    """Answers with the next of ANSWERS and the end token."""

    def __init__(self, tokenizer):
        self.tokenizer, self.answers = tokenizer, iter(ANSWERS)

    async def generate(self, prompt, parameters, **_):
        ids = [*self.tokenizer.encode(next(self.answers), add_special_tokens=False), self.tokenizer.eos_token_id]
        output = types.SimpleNamespace(token_ids=ids, logprobs=None, finish_reason="stop")
        return types.SimpleNamespace(outputs=[output])


async def rollouts(agent, url, tokenizer):
    executor, engine = agent.SingleTurnAgentExecutor([url]), Engine(tokenizer)
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Why?"}], tokenize=False, add_generation_prompt=True)
    parameters = types.SimpleNamespace(max_tokens=16, logprobs=None)
    return [await executor.execute(prompt, "", parameters, 128, tokenizer, engine) for _ in ANSWERS]


def main(url, policy):
    agent, generator = import_alone("openrlhf.utils.agent", "openrlhf.trainer.ppo_utils.samples_generator")
    outputs = asyncio.run(rollouts(agent, url, AutoTokenizer.from_pretrained(policy)))
    make = generator.SamplesGenerator._process_response_into_experience
    experiences = [make(None, output, max_len=128) for output in outputs]
    found = [
        {"reward": experience.rewards.item(), "score": experience.scores.item(), "answered": experience.info["answered"].item()}
        for experience in experiences
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
