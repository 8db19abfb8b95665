"""The judge as a reward: a small client of the endpoint, and what TRL, verl and OpenRLHF call.

Needs the `openai` package and nothing else of Self-J's dependencies: `pip install --no-deps` is enough beside a trainer.
"""

from selfj.rewards.answers import Answer, Judged
from selfj.rewards.client import AsyncJudgeClient, JudgeClient, RewardError
from selfj.rewards.scale import Scale, reward_of
from selfj.rewards.settings import RewardSettings

__all__ = ["Answer", "AsyncJudgeClient", "JudgeClient", "Judged", "RewardError", "RewardSettings", "Scale", "reward_of"]
