"""From the settings of a judge from outside to what rates with it."""

from collections.abc import Sequence
from typing import Protocol

from selfj.config import EngineSettings, OutsideJudgeSettings
from selfj.engine import engine_pool
from selfj.judge.judge import judge_hash
from selfj.parts import Pool
from selfj.raters.options import check_judges, trained_judge_options
from selfj.rating import Question, Rating
from selfj.store import content_hash, hash_of


class OutsideRater(Protocol):
    """Rates answers: 0 to 9 (endpoints and our judges) or on a scale of its own (reward models), higher is better."""

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One rating per question, in order; null with a reason where there is none."""


def load_judge(settings: OutsideJudgeSettings, engine: EngineSettings | None = None, seed: int = 0) -> OutsideRater:
    """Load a judge, in the process that is to ask it.

    `engine`: the run's, for another run's judge whose `options` name none. Raises SettingsError for settings that do not fit its
    kind, ModelError if it cannot be loaded or its key is not in the environment.
    """
    check_judges([settings])
    if settings.kind == "openai":
        from selfj.raters.endpoint import EndpointRater

        return EndpointRater(settings)
    if settings.kind == "reward_model":
        from selfj.raters.reward_model import RewardModelRater

        return RewardModelRater(settings)
    from selfj.raters.trained import load_judge_rater

    return load_judge_rater(settings.model, _engine(settings, engine), seed=seed)


def content_of(settings: OutsideJudgeSettings) -> str:
    """What stands for the judge in a fingerprint, beside its settings: the hash of its files, or of its name at an endpoint."""
    if settings.kind == "selfj":
        return judge_hash(settings.model)
    return hash_of(settings.model) if settings.kind == "openai" else content_hash(settings.model)


def judge_pool(settings: OutsideJudgeSettings, engine: EngineSettings) -> Pool:
    """Workers that each hold the judge; those of an endpoint need hardly any of this machine."""
    if settings.kind == "openai":
        return Pool(settings.workers, cpus=0.1)
    if settings.kind == "reward_model":
        return Pool(settings.workers, cpus=1, gpus=settings.gpus, environment={"TOKENIZERS_PARALLELISM": "false"})
    return engine_pool(_engine(settings, engine))


def _engine(settings: OutsideJudgeSettings, engine: EngineSettings | None) -> EngineSettings:
    return trained_judge_options(settings).engine or engine or EngineSettings()
