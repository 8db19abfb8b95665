"""Variants: judges that differ from the run's own in a few settings of `score` and `train` (METHOD.md, the ablations).

A variant lies in `runs/NAME/variants/VARIANT/`, made by the same code as the run's judge. Tables that its settings do not
touch are those of the run (`RunFolder`).
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from selfj.config import OutsideJudgeSettings, ScoreSettings, Settings, TrainSettings, as_dict
from selfj.errors import SettingsError
from selfj.limits import problems_of
from selfj.run import RunFolder

RESERVED = frozenset(
    {
        "cosine", "self_eval_reference", "self_eval_plus_cosine", "judge_reference", "ppl", "vro", "self_eval", "judge",
        "task_mean", "policy",
    }
)  # fmt: skip
"""Names that other rows of the table, or its tables, have already."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass
class _Overridable:
    score: ScoreSettings = field(default_factory=ScoreSettings)
    train: TrainSettings = field(default_factory=TrainSettings)


def check_variants(settings: Settings) -> None:
    """Refuse variants and outside judges with unusable names, and variants with settings that do not exist or do not fit.

    Raises SettingsError in one line.
    """
    taken = set(RESERVED)
    named = [(f"variants.{name}", name) for name in settings.variants]
    named += [entry for number, judge in enumerate(settings.evaluate.judges) for entry in _rows_of(number, judge)]
    for where, name in named:
        if not _NAME.fullmatch(name):
            raise SettingsError(f"settings: {where}: {name!r} is no plain name (letters, digits, _ - .)")
        if name in taken:
            raise SettingsError(f"settings: {where}: another row of the table is called {name} already; choose another name")
        taken.add(name)
    for name in settings.variants:
        variant_settings(settings, name)
    if settings.evaluate.judges:
        from selfj.raters.options import check_judges

        check_judges(settings.evaluate.judges)


def _rows_of(number: int, judge: OutsideJudgeSettings) -> list[tuple[str, str]]:
    """The rows of the table that a judge from outside has, by where they come from."""
    from selfj.evaluate.methods import plus_cosine

    where = f"evaluate.judges[{number}].name"
    return [(where, judge.name), *([(where, plus_cosine(judge.name))] if judge.with_reference else [])]


def variant_settings(settings: Settings, name: str) -> Settings:
    """The settings a variant's judge is made with: the run's, with its overrides.

    Raises SettingsError, in one line, for an unknown setting, a wrong type, or a variant that changes nothing.
    """
    import jsonargparse

    overrides = settings.variants[name]
    values: dict[str, Any] = {"score": as_dict(settings.score), "train": as_dict(settings.train)}
    _check_overrides(values, overrides, name)
    for setting, value in overrides.items():
        section, _, rest = setting.partition(".")
        _set(values[section], rest, value)
    parser = jsonargparse.ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(_Overridable, None)
    try:
        made = parser.instantiate(parser.parse_object(values)).as_dict()
    except (jsonargparse.ArgumentError, TypeError, ValueError) as problem:
        raise SettingsError(f"settings: variants.{name}: {' '.join(str(problem).split())}") from None
    changed = dataclasses.replace(settings, variants={}, **made)
    if changed.score == settings.score and changed.train == settings.train:
        raise SettingsError(f"settings: variants.{name}: its settings are the run's own; a variant changes at least one")
    problems = [problem for problem in problems_of(changed) if problem not in problems_of(settings)]
    if problems:
        raise SettingsError(f"settings: variants.{name}: {'; '.join(problems)}")
    return changed


def variant_folder(run: RunFolder, settings: Settings, name: str) -> RunFolder:
    """The folder a variant's tables are made in; `settings` are the run's. Tables that it need not make anew are the run's."""
    changed = variant_settings(settings, name).score
    own = ["training", "judge", "judged"]
    if as_dict(changed, resources=False) != as_dict(settings.score, resources=False):
        own.insert(0, "scored")
    if changed.embedding_model != settings.score.embedding_model:
        own.insert(0, "similarities")
    return run.begin_variant(name, own)


def _check_overrides(values: Mapping[str, Any], overrides: Any, name: str) -> None:
    if not isinstance(overrides, dict) or not overrides:
        raise SettingsError(f"settings: variants.{name}: dotted settings are expected, such as score.similarity_weight: 0")
    for setting in overrides:
        section, *path = str(setting).split(".")
        if section not in values or not path:
            raise SettingsError(f"settings: variants.{name}: {setting} is no setting of score or train, such as train.epochs")
        _check_path(values[section], path, f"settings: variants.{name}: there is no setting {setting}")


def _check_path(place: Any, path: list[str], problem: str) -> None:
    for step in path:
        if not isinstance(place, dict):
            raise SettingsError(f"{problem} here; set the whole of what stands before .{step}")
        if step not in place:
            near = difflib.get_close_matches(step, place, 1) or [", ".join(place)]
            raise SettingsError(f"{problem} (there is {near[0]})")
        place = place[step]


def _set(values: dict[str, Any], setting: str, value: Any) -> None:
    *path, last = setting.split(".")
    for step in path:
        values = values[step]
    values[last] = value
