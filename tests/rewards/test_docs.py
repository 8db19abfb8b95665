"""The examples of docs/rewards.md run, and its table of settings is true."""

import asyncio
import dataclasses
import json
import re
import shlex
from pathlib import Path

from starlette.testclient import TestClient

from selfj.rewards import RewardSettings
from tests.serve.fakes import fake_app

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def example(marker):
    (found,) = [block for block in blocks("python") if marker in block]
    return found


def run(source, **names):
    exec(compile(source, "docs/rewards.md", "exec"), names)
    return names


def test_the_clients_example_runs(served):
    assert len(run(example("JudgeClient(RewardSettings"), endpoint=served.url)["rewards"]) == 2


def test_the_example_of_trl_gives_its_trainer_a_reward_function(served):
    given = {}
    nothing = dict.fromkeys(("policy", "arguments", "prompts"))
    run(example("GRPOTrainer"), endpoint=served.url, GRPOTrainer=lambda **arguments: given.update(arguments), **nothing)
    assert given["reward_funcs"](prompts=["Why?"], completions=["good"]) == [1.0]


def test_the_example_of_verl_adds_to_the_judges_reward(served):
    compute_score = run(example("judged_score"), endpoint=served.url)["compute_score"]
    found = asyncio.run(compute_score("sums", "good", "good", {"question": "a"}))
    assert found == {"score": 1.1, "judged": 1.0, "answered": 1.0}


def test_the_example_of_openrlhf_is_a_reward_function(served):
    reward_func = run(example("OpenRlhfReward("), endpoint=served.url)["reward_func"]
    assert reward_func(["Why?good"], ["Why?"], [""])["rewards"].tolist() == [1.0]


def test_the_example_of_curl_has_a_reply_like_the_one_shown():
    (command,) = [block for block in blocks("sh") if block.startswith("curl")]
    words = shlex.split(command)
    address, body = words[2].removeprefix("http://127.0.0.1:8000"), json.loads(words[words.index("-d") + 1])
    reply = TestClient(fake_app()).post(address, json=body).json()
    (shown,) = map(json.loads, blocks("json"))
    assert shape(reply) == shape(shown) and reply["selfj"][0]["format"] == shown["selfj"][0]["format"]


def shape(value):
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value)


WORDS = {"model": "the endpoint's default", "missing": "none"}
"""Defaults that the table says in words."""


def test_the_table_of_settings_has_every_one_at_its_default():
    table = PAGE[PAGE.index("| setting | default |") :]
    rows = [re.split(r" *\| *", line)[1:3] for line in table.splitlines()[2:]]
    shown = {name: default for names, cell in rows for name, default in zip(names.split(", "), cell.split(", "), strict=True)}
    fields = {field.name: field.default for field in dataclasses.fields(RewardSettings)}
    written = {name: f"{value:,}" if isinstance(value, int) else f"`{value}`" for name, value in fields.items()}
    assert shown == {f"`{name}`": WORDS.get(name, default) for name, default in written.items()}
