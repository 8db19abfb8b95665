"""One batch through verl's own reward manager. Prints the reward of each row's last token, and what else the manager keeps.

python verl_batch.py ENDPOINT POLICY
"""

import asyncio
import json
import sys
from importlib import import_module

import numpy as np
import torch
from transformers import AutoTokenizer

verl, omegaconf = import_module("verl"), import_module("omegaconf")  # installed for this test alone
load_reward_manager = import_module("verl.trainer.ppo.reward").load_reward_manager
ANSWERS = ("good", "bad", "long")


def batch(tokenizer):
    """Three answers to one prompt, padded as verl pads them."""
    prompt = tokenizer.encode("Why?", add_special_tokens=False)
    responses = [tokenizer.encode(answer, add_special_tokens=False) for answer in ANSWERS]
    longest = max(map(len, responses))
    mask = [[1] * (len(prompt) + len(ids)) + [0] * (longest - len(ids)) for ids in responses]
    padded = [ids + [tokenizer.pad_token_id] * (longest - len(ids)) for ids in responses]
    tensors = {
        "prompts": torch.tensor([prompt] * len(responses)),
        "responses": torch.tensor(padded),
        "attention_mask": torch.tensor(mask),
    }
    rows = {
        "data_source": np.array(["why"] * len(responses), dtype=object),
        "reward_model": np.array([{"ground_truth": ""}] * len(responses), dtype=object),
        "extra_info": np.array([{"question": "Why?"} for _ in responses], dtype=object),
    }
    return verl.DataProto.from_dict(tensors=tensors, non_tensors=rows)


async def scored(config, tokenizer, data):
    manager = load_reward_manager(config, tokenizer)
    manager.loop = asyncio.get_running_loop()
    found = await asyncio.gather(*(manager.run_single(data[place : place + 1]) for place in range(len(data))))
    rewards = manager.assemble_rm_scores(data, [row["reward_score"] for row in found])
    return {"rewards": rewards.sum(dim=1).tolist(), "information": [row["reward_extra_info"] for row in found]}


def main(url, policy):
    function = {
        "path": "pkg://selfj.rewards.verl",
        "name": "compute_score",
        "reward_kwargs": {"base_url": url, "scale": "margin", "missing": -1.0},
    }
    manager = {"source": "register", "name": "naive", "module": None}
    config = omegaconf.OmegaConf.create({"reward": {"custom_reward_function": function, "reward_manager": manager}})
    tokenizer = AutoTokenizer.from_pretrained(policy)
    print(json.dumps(asyncio.run(scored(config, tokenizer, batch(tokenizer)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
