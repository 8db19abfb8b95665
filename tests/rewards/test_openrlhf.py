"""OpenRLHF's two ways: its own HTTP call, and a reward function in a file. What it sends and reads is that of openrlhf 0.11.2."""

import asyncio

import aiohttp
import pytest
import torch

from selfj.rewards import RewardError
from selfj.rewards.openrlhf import OpenRlhfReward

PROMPT = "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"


def samples(*answers, prompt=PROMPT):
    return [f"{prompt}{answer}<|im_end|>" for answer in answers], [prompt] * len(answers), [""] * len(answers)


def fetched(url, query, prompt, label):
    """A rollout's reward as its executor fetches it and its experience keeps it: one sample a request, lists of one."""

    async def post():
        async with aiohttp.ClientSession() as session:
            body = {"query": [query], "prompts": [prompt], "labels": [label]}
            async with session.post(url, json=body) as response:
                response.raise_for_status()
                return await response.json()

    info = asyncio.run(post())
    score = info.get("scores") if info.get("scores") is not None else info.get("rewards")
    logs = {name: torch.tensor([value]) for name, value in (info.get("extra_logs") or {}).items()}
    return torch.tensor([info["rewards"]]), torch.tensor([score]), logs


def test_the_remote_reward_call_gets_a_reward_that_becomes_a_tensor(served):
    ((query,), (prompt,), (label,)) = samples("good")
    reward, score, logs = fetched(f"{served.url}/get_reward?scale=score&missing=0", query, prompt, label)
    assert reward.item() == score.item() == 9 and logs["answered"].item() == logs["judged"].item() == 1


def test_the_template_and_the_promise_can_stand_in_the_address(served):
    address = f"{served.url}/get_reward?model=pocket@coverage=0.8&scale=margin&template=Q:%20%7B%7D%0AA:"
    reward, _, _ = fetched(address, "Q: Why?\nA:good", "Q: Why?\nA:", None)
    assert reward.item() == 7 and served.judge.asked[0].instruction == "Why?"


def test_a_reward_that_could_not_be_made_is_no_tensor_unless_missing_says_what_it_is(served):
    ((query,), (prompt,), (label,)) = samples("long")
    with pytest.raises((TypeError, RuntimeError)):  # torch has said it either way
        fetched(f"{served.url}/get_reward", query, prompt, label)
    reward, _, logs = fetched(f"{served.url}/get_reward?missing=-0.25", query, prompt, label)
    assert reward.item() == -0.25 and logs["judged"].item() == 0


def test_the_reward_function_gives_tensors(served):
    reward = OpenRlhfReward(base_url=served.url, scale="margin")(*samples("good", "bad"))
    assert reward["rewards"].tolist() == reward["scores"].tolist() == [4.0, -4.0]
    assert reward["extra_logs"]["judged"].tolist() == [1.0, 1.0] and reward["extra_logs"]["answered"].tolist() == [1.0, 0.0]


def test_the_reward_function_takes_the_template_of_the_data(served):
    reward = OpenRlhfReward(base_url=served.url, template="Q: {}\nA:", end="[END]")(
        ["Q: Why?\nA: good[END]"], ["Q: Why?\nA:"], [""]
    )
    assert served.judge.asked[0].response == " good" and reward["extra_logs"]["judged"].tolist() == [1.0]


def test_a_reward_that_could_not_be_made_stops_the_reward_function_unless_missing_is_set(served):
    with pytest.raises(RewardError, match=r"could not be judged \(instruction alone takes 900 of 512 tokens\).*set missing"):
        OpenRlhfReward(base_url=served.url)(*samples("good", "long"))
    assert OpenRlhfReward(base_url=served.url, missing=0.5)(*samples("long"))["rewards"].tolist() == [0.5]


def test_another_servers_reply_is_an_error(served):
    with pytest.raises(RewardError, match="status 404"):
        OpenRlhfReward(base_url=f"{served.url}/other")(*samples("good"))
