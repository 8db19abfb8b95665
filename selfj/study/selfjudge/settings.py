"""Settings of a SELF-JUDGE study: which ways of learning are compared, over which seeds, and what is measured.

name: selfjudge_table
base: [configs/jsft_pocket.yaml]     settings files of a SELF-JUDGE run; everything below is laid over them
seeds: [1, 2, 3]
settings: {self_training: {rounds: 30}}
arms: {on_policy: {}, offline: {mode: offline}}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from selfj.arguments import check_limits, settings_from
from selfj.selfjudge.settings import SelfJudgeSettings, read_selfjudge_settings
from selfj.setting_fields import folder_of
from selfj.study.settings import study_limits

START, SFT = "start", "sft"
"""What JSFT made, and what the same training makes without judge examples."""


@dataclass
class RealDataSettings:
    """Data of people that the first seed's judge is held against. None of it is trained on."""

    votes: str = ""
    """Parquet file of pairs that people voted on (instruction, input, response_a, response_b, votes: 0 tie, 1, 2)."""
    preferences: str = ""
    """Preference pairs that are made into JSFT's examples, to see that none is lost."""


@dataclass
class SelfJudgeStudySettings:
    """The paper's comparison, over several seeds."""

    name: str = "selfjudge_table"
    """Name of the study: its folder below `runs`, with one run folder for each seed in it."""
    runs: str = "runs"
    """Folder of runs."""
    base: list[str] = field(default_factory=list)
    """YAML files with the settings of a SELF-JUDGE run that all start from; later ones win."""
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    """Everything is run once with each: pairs of generators, sampling and training differ."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of a run, laid over `base`."""
    arms: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {
            "offline": {"mode": "offline"},
            "off_policy": {"mode": "off_policy"},
            "on_policy": {},
            "moving_judge": {"judge": "moving"},
        }
    )
    """Ways of self-training: what each changes in the section `self_training`."""
    sft: bool = True
    """Also train without judge examples, on the same answers: the paper's first row."""
    sft_answers: int = 1
    """Answers of that model to each held-out prompt."""
    pairs: int = 1000
    """Held-out pairs that the judge is measured on."""
    tournament: int = 16
    """Answers of the start that compete in each tournament; 1 leaves tournaments out."""
    tournament_prompts: int = 256
    """Held-out prompts with a tournament."""
    bootstrap: int = 1000
    """Resamples (of instructions) behind each interval."""
    real: RealDataSettings = field(default_factory=RealDataSettings)
    """Data of people."""

    @property
    def folder(self) -> str:
        """Address of the study's folder."""
        return folder_of(self.runs, self.name)


def read_selfjudge_study(arguments: Sequence[str] | None = None, program: str = "selfjudge_table.py") -> SelfJudgeStudySettings:
    """Settings from `--config FILE` and `--name VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for what is unknown, of a wrong type or missing.
    """
    study = settings_from(SelfJudgeStudySettings, arguments, program, "study")
    limits = [
        *study_limits(study.name, study.base, study.seeds),
        (bool(study.base), "base: give the settings files of a run"),
        (not {START, SFT} & set(study.arms), f"arms: {START} and {SFT} are there in any case"),
        (min(study.pairs, study.tournament, study.tournament_prompts, study.sft_answers) > 0, "pairs, tournament: at least 1"),
    ]
    check_limits(limits, "study")
    for seed in study.seeds:
        for arm in study.arms:
            arm_settings(study, seed, arm)
    return study


def run_settings(study: SelfJudgeStudySettings, seed: int, over: Mapping[str, Any] | None = None) -> SelfJudgeSettings:
    """The settings of one seed's run; generators get the seed. `over`: laid over them. Raises SettingsError."""
    layers = [study.settings, *([over] if over else [])]
    files = [*study.base, *(yaml.safe_dump(dict(layer), sort_keys=False) for layer in layers)]
    settings = read_selfjudge_settings([text for file in files for text in ("--config", file)], program="study")
    for source in settings.preferences.sources:
        source.seed = seed
    return replace(settings, seed=seed, runs=study.folder, name=f"seed{seed}")


def arm_settings(study: SelfJudgeStudySettings, seed: int, arm: str) -> SelfJudgeSettings:
    """The same for one way of self-training."""
    return run_settings(study, seed, {"self_training": {**study.arms[arm], "arm": arm}})


def sft_settings(study: SelfJudgeStudySettings, seed: int) -> SelfJudgeSettings:
    """The run without judge examples."""
    return replace(run_settings(study, seed, {"jsft": {"judge_share": 0}}), name=f"seed{seed}-{SFT}")
