"""Pairs that a tiny model can learn from, and runs that hold them."""

from typing import Any

import numpy as np

from selfj.config import ModelSettings
from selfj.records import instruction_id, to_table
from selfj.run import RunFolder
from selfj.selfjudge.preferences.table import Preference, pair_id
from selfj.selfjudge.settings import JsftSettings, PairSourceSettings, PreferenceSettings, SelfJudgeSettings
from selfj.tables import Fingerprint
from tests.tiny_models import SMALL_TRAINING

_WORDS = ["red", "green", "blue", "one", "two", "three", "four", "five"]


def preference(**changes: Any) -> Preference:
    """A pair; `changes` are fields of Preference."""
    values: dict[str, Any] = {
        "instruction": "Say it.",
        "messages": None,
        "chosen": "It.",
        "rejected": "No.",
        "score_chosen": 1.0,
        "score_rejected": 0.0,
        "principles": None,
        "exchanged": False,
        "source": "test",
        "row": 0,
        "split": "train",
        "metadata": "{}",
        **changes,
    }
    key = instruction_id(values["instruction"])
    return Preference(pair_id=pair_id(values["instruction"], values["chosen"], values["rejected"]), instruction_id=key, **values)


def write_pairs_run(run: RunFolder, pairs: int = 40, per_part: int = 16) -> list[Preference]:
    """A finished table `preferences`: the better answer says `yes`, the other `no`; every fifth pair is held out."""
    random = np.random.default_rng(0)
    made = [_pair(random, number) for number in range(pairs)]
    folder = run.table("preferences")
    for part, start in enumerate(range(0, pairs, per_part)):
        rows = made[start : start + per_part]
        folder.write(part, to_table(Preference, rows), [], len(rows))
    folder.finish(folder.begin(Fingerprint({"made": "by a test"}, {}), "test"))
    return made


def _pair(random: np.random.Generator, number: int) -> Preference:
    said = " ".join(random.choice(_WORDS, 3))
    split = "held_out" if number % 5 == 4 else "test" if number % 10 == 3 else "train"
    gap = 0.1 if number % 3 == 0 else 0.6
    return preference(
        instruction=f"Number {number}: say {said}",
        chosen=f"yes {said}",
        rejected=f"no {said}",
        score_chosen=gap,
        score_rejected=0.0,
        split=split,
        row=number,
    )


def selfjudge_settings(model: str, **jsft: Any) -> SelfJudgeSettings:
    """Settings of a small JSFT of one model."""
    small = {**SMALL_TRAINING, "max_tokens": 300}
    return SelfJudgeSettings(
        name="test",
        policy=ModelSettings(model=model, name="tiny"),
        prompts="short",
        preferences=PreferenceSettings(sources=[PairSourceSettings(path="none")]),
        jsft=JsftSettings(**{**small, **jsft}),
    )
