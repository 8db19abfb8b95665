"""Settings of a study: which policies, which seeds, and what all of its runs share.

name: paper_table
base: configs/pocket.yaml        a run's settings file; everything below is laid over it
seeds: [1, 2, 3]
policies: [{name: pocket, model: selfj/pocket/policies/base}]
settings: {collect: {max_instructions: 2600}}
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from selfj.arguments import check_limits, settings_from
from selfj.collect_settings import SourceSettings
from selfj.config import ModelSettings, Settings, check_settings, read_settings
from selfj.errors import SettingsError
from selfj.records import stable_seed
from selfj.setting_fields import folder_of, name_limit

WITHOUT = "judge_without_"
"""Begins the name of a variant that was not trained on the category that follows."""


@dataclass
class StudySettings:
    """One table of several policies and seeds."""

    name: str = "study"
    """Name of the study: its folder below `runs`, with one run folder for each policy and seed in it."""
    runs: str = "runs"
    """Folder of runs: local, NFS, or any fsspec address (s3://, gs://)."""
    base: str = ""
    """YAML file with the settings that all runs start from."""
    seeds: list[int] = field(default_factory=lambda: [1, 2, 3])
    """Each policy is run once with each: sampling, training and generated instructions differ, settings do not."""
    policies: list[ModelSettings] = field(default_factory=list)
    """The models under test; by default the one that `base` names."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of a run, laid over `base` in every run."""
    fresh_instructions: bool = True
    """Generators get the run's seed, so that every seed asks other instructions; files are the same for all seeds."""
    cross: bool = False
    """Also let each policy's judge score the other policies' answers (same seed)."""
    leave_out: list[str] = field(default_factory=list)
    """Categories that a further judge is trained without, one judge for each: how it does on what it has not seen."""
    restart_from: Literal["", "collect", "sample", "score", "train", "variants", "evaluate", "report"] = ""
    """In every run throw away this step's tables and all later ones, and make them anew."""

    @property
    def folder(self) -> str:
        """Address of the study's folder."""
        return folder_of(self.runs, self.name)


@dataclass
class PlannedRun:
    """One run of a study."""

    policy: str
    seed: int
    settings: Settings

    @property
    def name(self) -> str:
        """Name of its folder below the study's."""
        return self.settings.name


def read_study(arguments: Sequence[str] | None = None, program: str = "paper_table.py") -> StudySettings:
    """Settings from `--config FILE` and `--name VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for an unknown setting, a wrong type, or a study without a base file, seed or policy.
    """
    study = settings_from(StudySettings, arguments, program, "study")
    check_limits(study_limits(study.name, [study.base], study.seeds), "study")
    return study


def study_limits(name: str, files: Sequence[str], seeds: Sequence[int]) -> list[tuple[bool, str]]:
    """What holds for every study: its name, the settings files that its runs start from, its seeds."""
    missing = [file or "nothing" for file in files if not os.path.isfile(file)]
    return [
        name_limit(name),
        (not missing, f"base: the settings file of a run is expected, {', '.join(missing)} is no file"),
        (bool(seeds), "seeds: give at least one"),
        (len(set(seeds)) == len(seeds), "seeds: each one once"),
    ]


def planned_runs(study: StudySettings) -> list[PlannedRun]:
    """All runs of a study: seed by seed, and in each seed policy by policy.

    Raises SettingsError if two policies have the same name or the settings of a run are not valid.
    """
    policies = study.policies or [_settings(study, None).policy]
    runs = [_planned(study, policy, seed) for seed in study.seeds for policy in policies]
    names = [run.policy for run in runs[: len(policies)]]
    if len(set(names)) < len(names):
        raise SettingsError(f"study: policies: each needs a name of its own, these are {', '.join(names)}")
    return runs


def _planned(study: StudySettings, policy: ModelSettings, seed: int) -> PlannedRun:
    settings = _settings(study, policy)
    settings.seed = seed
    if study.fresh_instructions:
        _seed_sources(settings.collect.sources, seed)
    settings.name, settings.runs = f"{settings.policy_name}-seed{seed}", study.folder
    settings.restart_from = study.restart_from
    return PlannedRun(settings.policy_name, seed, settings)


def _seed_sources(sources: Sequence[SourceSettings], seed: int) -> None:
    """The run's seed for each generator; one that makes several sources gets another seed for each, or they would be the same."""
    times = Counter[str]()
    for source in sources:
        again = times[source.path]
        source.seed = stable_seed("source", seed, again) if again else seed
        times[source.path] += 1


def _settings(study: StudySettings, policy: ModelSettings | None) -> Settings:
    settings = read_settings(
        ["--config", study.base, "--config", yaml.safe_dump(study.settings, sort_keys=False)], program="study"
    )
    if policy is not None:
        settings.policy = policy
    if study.leave_out:
        added = {f"{WITHOUT}{name}": {"train.exclude_categories": [name]} for name in study.leave_out}
        settings.variants = {**settings.variants, **added}
    check_settings(settings)
    return settings


def study_text(study: StudySettings) -> str:
    """What all runs share, as YAML: the base file's text with what is laid over it."""
    over = yaml.safe_dump(study.settings, sort_keys=False, allow_unicode=True)
    return f"# {study.base}\n{Path(study.base).read_text('utf-8')}\n# and in this study\n{over}"
