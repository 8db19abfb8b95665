"""The judge as a reward function of OpenRLHF, where the endpoint wants an API key: OpenRLHF's own HTTP call sends none.

A file `reward.py` of two lines, given as `--reward.remote_url /path/to/reward.py`:

from selfj.rewards.openrlhf import OpenRlhfReward
reward_func = OpenRlhfReward(base_url="https://judge.example", missing=0.0)
"""

from collections.abc import Sequence
from typing import Any

from selfj.rewards.client import JudgeClient, RewardError
from selfj.rewards.settings import RewardSettings


class OpenRlhfReward:
    """Reward function; OpenRLHF calls it with queries (prompt and answer), prompts and labels.

    Args:
        settings: or the fields of RewardSettings by name.
        template: the data set's `--data.input_template`, if it has one; `{}` alone says that prompts have no template.
        end: what ends an answer, where it is no token that the endpoint knows.
    """

    def __init__(self, settings: RewardSettings | None = None, template: str = "", end: str = "", **fields: Any) -> None:
        self.settings = settings or RewardSettings(**fields)
        asked = {
            "scale": self.settings.scale,
            "missing": self.settings.missing,
            "model": self.settings.model,
            "template": template,
            "end": end,
        }
        self.parameters = {name: value for name, value in asked.items() if value not in (None, "")}
        self._client = JudgeClient(self.settings)

    def __call__(self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]) -> dict[str, Any]:
        """`rewards` and `scores` (the same), one for each query, and `extra_logs`, as tensors.

        Raises RewardError if there is no reply, or an answer cannot be judged and `missing` is not set.
        """
        import torch

        body = {"query": list(queries), "prompts": list(prompts)}
        reply = self._client.post("/get_reward", body, self.parameters)
        _check(reply, self.settings)
        rewards = torch.tensor(reply["rewards"], dtype=torch.float32)
        logs = {name: torch.tensor(values) for name, values in reply["extra_logs"].items()}
        return {"rewards": rewards, "scores": rewards, "extra_logs": logs}


def _check(reply: Any, settings: RewardSettings) -> None:
    if not isinstance(reply, dict) or "rewards" not in reply:
        raise RewardError(f"{settings.base_url}: the reply has no rewards; check base_url")
    for place, reward in enumerate(reply["rewards"]):
        if reward is None:
            reason = reply["selfj"][place]["reason"]
            raise RewardError(f"an answer could not be judged ({reason}); OpenRLHF needs a number: set missing")
