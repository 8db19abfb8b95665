"""The judge as a reward function of TRL's GRPO and RLOO trainers.

from selfj.rewards.trl import TrlReward
trainer = GRPOTrainer(model=…, reward_funcs=TrlReward(base_url="http://127.0.0.1:8000"), train_dataset=…)

An answer that cannot be judged gets None, unless `missing` is set: TRL leaves it out of its group's baseline and gives it no
advantage (trl 1.x; before, with a single reward function, it counted as 0).
"""

from collections.abc import Callable, Sequence
from typing import Any

from selfj.rewards.answers import Answer, Conversation, Judged
from selfj.rewards.client import AsyncJudgeClient, JudgeClient
from selfj.rewards.settings import RewardSettings

NOT_TEXT = "only texts can be judged: turns of system, user and assistant, with the user's before the answer"


class TrlReward:
    """Reward function; TRL calls it with the prompts and completions of a batch, texts or conversations.

    Takes the fields of RewardSettings. Raises RewardError if the endpoint gives no reply, which stops the training.
    """

    def __init__(self, settings: RewardSettings | None = None, **fields: Any) -> None:
        self.settings = settings or RewardSettings(**fields)
        self.__name__ = "selfj"
        self._client = JudgeClient(self.settings)

    def __call__(self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """One reward for each completion."""
        answers = answers_of(prompts, completions)
        judged = in_place(answers, self._client.judge([answer for answer in answers if answer is not None]))
        log(judged, columns)
        return self._client.rewards(judged)


class AsyncTrlReward:
    """The same for TRL's event loop, which runs asynchronous reward functions side by side."""

    def __init__(self, settings: RewardSettings | None = None, **fields: Any) -> None:
        self.settings = settings or RewardSettings(**fields)
        self.__name__ = "selfj"
        self._client = AsyncJudgeClient(self.settings)

    async def __call__(self, prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
        """One reward for each completion."""
        answers = answers_of(prompts, completions)
        judged = in_place(answers, await self._client.judge([answer for answer in answers if answer is not None]))
        log(judged, columns)
        return self._client.rewards(judged)


def answers_of(prompts: Sequence[Any], completions: Sequence[Any]) -> list[Answer | None]:
    """What is to be judged; None for what is no text, such as images and the turns of tools."""
    return [_answer(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]


def in_place(answers: Sequence[Answer | None], judged: Sequence[Judged]) -> list[Judged]:
    """Judgements in the places of their answers."""
    made = iter(judged)
    return [Judged(None, None, False, NOT_TEXT) if answer is None else next(made) for answer in answers]


def log(judged: Sequence[Judged], columns: dict[str, Any]) -> None:
    """Tell TRL's log what share could be judged and would be answered, and its table of completions why not."""
    metric: Callable[[str, float], None] | None = columns.get("log_metric")
    extra: Callable[[str, list[str]], None] | None = columns.get("log_extra")
    if metric and judged:
        metric("selfj/judged", sum(answer.score is not None for answer in judged) / len(judged))
        metric("selfj/answered", sum(answer.answered for answer in judged) / len(judged))
    if extra:
        extra("selfj_reason", [answer.reason or "" for answer in judged])


def _answer(prompt: Any, completion: Any) -> Answer | None:
    if isinstance(prompt, str) and isinstance(completion, str):
        return Answer(prompt, completion)
    turns = [_turn(message) for message in [*prompt, *completion]]
    if None in turns or not turns or turns[-1]["role"] != "assistant":  # type: ignore[index]
        return None
    conversation: Conversation = turns[:-1]  # type: ignore[assignment]
    if not conversation or conversation[-1]["role"] != "user":
        return None
    alone = len(conversation) == 1
    return Answer(conversation[0]["content"] if alone else conversation, turns[-1]["content"])  # type: ignore[index]


def _turn(message: dict[str, Any]) -> dict[str, str] | None:
    """Role and text of a message, or None if it holds anything else."""
    content = message.get("content")
    if isinstance(content, list) and all(part.get("type") == "text" for part in content):
        content = "\n".join(part["text"] for part in content)
    if message.get("role") not in ("system", "user", "assistant") or not isinstance(content, str) or message.get("tool_calls"):
        return None
    return {"role": message["role"], "content": content}
