"""The judge as a custom reward function of verl.

reward.custom_reward_function.path=pkg://selfj.rewards.verl
reward.custom_reward_function.name=compute_score
+reward.custom_reward_function.reward_kwargs.base_url=http://127.0.0.1:8000
+reward.custom_reward_function.reward_kwargs.missing=0

verl gives a reward function the answer, not the prompt: the instruction has to stand in the data set's `extra_info`.
"""

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from selfj.rewards.answers import Answer, Judged
from selfj.rewards.client import JudgeClient, RewardError, reward_for
from selfj.rewards.gathering import GatheringClient
from selfj.rewards.settings import RewardSettings

KEY = "question"
"""Where verl's own recipes keep the instruction."""
OF_VERL = ("reward_router_address", "reward_model_tokenizer")
"""What verl passes on where it runs a reward model of its own; not needed."""

Extra = Mapping[str, Any] | None
"""What the data set says of a row beside prompt and ground truth."""

_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[RewardSettings, GatheringClient]]" = WeakKeyDictionary()


async def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Extra = None, *, instruction_key: str = KEY, **fields: Any
) -> dict[str, float]:
    """Reward of one answer, with `judged` and `answered` (1 or 0) for verl's metrics.

    `fields`: those of RewardSettings. `ground_truth` is not shown to the judge. What verl asks for at the same time goes to the
    endpoint together. Raises RewardError if there is no reply, no instruction, or no score and `missing` is not set.
    """
    settings = _settings(fields)
    judged = await _client(settings).judge(Answer(instruction_in(extra_info, instruction_key), solution_str))
    return _scored(judged, settings)


def compute_score_sync(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Extra = None, *, instruction_key: str = KEY, **fields: Any
) -> dict[str, float]:
    """The same, for verl's reward manager `remote`, which takes no asynchronous function."""
    settings = _settings(fields)
    (judged,) = _sync_client(settings).judge([Answer(instruction_in(extra_info, instruction_key), solution_str)])
    return _scored(judged, settings)


def instruction_in(extra_info: Extra, key: str) -> str | list[dict[str, str]]:
    """The instruction of a row: a text, or a conversation as `role` and `content`. Raises RewardError if there is none."""
    found = (extra_info or {}).get(key)
    if isinstance(found, str) and found.strip():
        return found
    turns = [] if found is None or isinstance(found, str) else list(found)
    if turns and all(isinstance(turn, Mapping) and {"role", "content"} <= set(turn) for turn in turns):
        return [{"role": str(turn["role"]), "content": str(turn["content"])} for turn in turns]
    raise RewardError(
        f"extra_info.{key}: no instruction there (a text, or turns with role and content); verl gives no prompt to reward "
        "functions: put it there when you make the data set, or name its key with reward_kwargs.instruction_key"
    )


def _settings(fields: Mapping[str, Any]) -> RewardSettings:
    return RewardSettings(**{name: value for name, value in fields.items() if name not in OF_VERL})


def _client(settings: RewardSettings) -> GatheringClient:
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if settings not in clients:
        clients[settings] = GatheringClient(settings)
    return clients[settings]


@lru_cache
def _sync_client(settings: RewardSettings) -> JudgeClient:
    return JudgeClient(settings)


def _scored(judged: Judged, settings: RewardSettings) -> dict[str, float]:
    reward = reward_for(judged, settings)
    if reward is None:
        raise RewardError(f"an answer could not be judged ({judged.reason}); verl needs a number: set reward_kwargs.missing")
    return {"score": reward, "judged": float(judged.score is not None), "answered": float(judged.answered)}
