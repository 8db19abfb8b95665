"""The current code of OpenRLHF and verl gets its rewards from the endpoint.

Their packages are installed into a folder that is thrown away, without their dependencies, which fit neither each other nor ours.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = [
    "openrlhf==0.11.2",
    "verl==0.9.1",
    "codetiming==1.4.0",
    "hydra-core==1.3.8",
    "omegaconf==2.4.0",
    "orjson==3.13.0",
    "pyvers==0.2.3",
    "tensordict==0.10.0",
]
POLICY = Path(__file__).parents[2] / "selfj" / "pocket" / "policies" / "base"
EXPECTED = [4.0, -4.0, -1.0]
"""Score minus the threshold 5 for 9 and 1; `missing` for what could not be judged."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trainers(tmp_path_factory):
    """Folder with the trainers' packages."""
    folder = tmp_path_factory.mktemp("trainers")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no package registry: {done.stderr.strip().splitlines()[-1]}")
    return folder


def printed(trainers, script, *arguments):
    """What a script of tests/rewards/trainers prints last, as JSON."""
    path = Path(__file__).parent / "trainers" / script
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(trainers), str(POLICY.parents[3])])}
    command = [sys.executable, str(path), *map(str, arguments), str(POLICY)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_openrlhfs_executor_and_experience_hold_the_rewards_of_its_remote_call(trainers, served):
    found = printed(trainers, "openrlhf_rollout.py", f"{served.url}/get_reward?scale=margin&missing=-1")
    assert [row["reward"] for row in found] == [row["score"] for row in found] == EXPECTED
    assert [row["answered"] for row in found] == [1, 0, 0]
    assert [question.instruction for question in served.judge.asked] == ["Why?"] * 3


def test_openrlhfs_executor_and_experience_hold_the_rewards_of_a_reward_function(trainers, served, tmp_path):
    file = tmp_path / "reward.py"
    file.write_text(
        "from selfj.rewards.openrlhf import OpenRlhfReward\n\n"
        f'reward_func = OpenRlhfReward(base_url="{served.url}", scale="margin", missing=-1.0)\n'
    )
    assert [row["reward"] for row in printed(trainers, "openrlhf_rollout.py", file)] == EXPECTED


def test_verls_reward_manager_puts_the_rewards_at_the_last_tokens(trainers, served):
    found = printed(trainers, "verl_batch.py", served.url)
    assert found["rewards"] == EXPECTED
    assert [row["judged"] for row in found["information"]] == [1, 1, 0]
