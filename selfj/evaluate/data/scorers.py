"""The methods that score an answer without its policy: similarity, length, trained judges, judges from outside."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Literal, Protocol

from selfj.config import EngineSettings, OutsideJudgeSettings
from selfj.errors import ModelError, SettingsError
from selfj.rating import Question, Rating

WITH_REFERENCE = ("cosine", "cosine_whole")
BUILT_IN = (*WITH_REFERENCE, "length")


class Rates(Protocol):
    """Anything that rates answers."""

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One rating per question, in order; null with a reason where there can be none."""


@dataclass(frozen=True)
class Scorer:
    """One method, loaded when it is first used."""

    name: str
    title: str
    with_reference: bool
    """Whether it sees the reference."""
    load: Callable[[], Rates]

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """A rating of each answer, on the method's own scale, higher meaning better."""
        shown = questions if self.with_reference else [Question(asked.instruction, asked.response) for asked in questions]
        missing = Rating(None, None, None, "the row has no reference")
        fit = [asked for asked in shown if asked.reference is not None or not self.with_reference]
        made = iter(self.load().rate(fit) if fit else [])
        return [next(made) if asked.reference is not None or not self.with_reference else missing for asked in shown]


class LengthRater:
    """The characters of an answer: what a judge must beat before it may be said to judge."""

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One rating per question."""
        return [Rating(float(len(question.response)), None, None, None) for question in questions]


@dataclass
class ScorerOptions:
    """Which methods are wanted."""

    built_in: Sequence[str] = ("cosine", "length")
    """Of BUILT_IN."""
    judges: Sequence[str] = ()
    """Trained judges: `[NAME=]RUN`, a run's folder or a judge's."""
    outside: Sequence[OutsideJudgeSettings] = ()
    embedding_model: str = "all-MiniLM-L6-v2"
    cache: str = ""
    """Folder for embeddings, and for what endpoints answered where a judge names none; empty keeps neither."""
    engine: EngineSettings = field(default_factory=EngineSettings)


def make_scorers(options: ScorerOptions) -> list[Scorer]:
    """The methods in the order of the paper's table: with a reference, then without.

    Raises SettingsError for an unknown method or two of one name, ModelError if a judge is not there. Nothing is loaded yet.
    """
    made = [_built_in(name, options) for name in options.built_in]
    for address in options.judges:
        made += _trained(address, options)
    made += [_outside(settings, options) for settings in options.outside]
    twice = sorted({scorer.name for scorer in made if [other.name for other in made].count(scorer.name) > 1})
    if twice:
        raise SettingsError(f"two methods are called {twice[0]}; give each judge a name of its own: --judge NAME=RUN")
    return sorted(made, key=lambda scorer: not scorer.with_reference)


def _built_in(name: str, options: ScorerOptions) -> Scorer:
    if name == "length":
        return Scorer(name, "Answer length", False, LengthRater)
    if name not in WITH_REFERENCE:
        raise SettingsError(f"no method is called {name!r}; there are {', '.join(BUILT_IN)}, --judge and --outside")
    title = "Cosine" if name == "cosine" else "Cosine, whole texts"
    return Scorer(name, title, True, _once(lambda: _similarity(name, options)))


def _similarity(name: str, options: ScorerOptions) -> Rates:
    from selfj.evaluate.data.embeddings import KeptEmbedder
    from selfj.evaluate.data.similarity import SimilarityRater, WholeSimilarityRater

    kind = SimilarityRater if name == "cosine" else WholeSimilarityRater
    return kind(KeptEmbedder(options.embedding_model, options.cache and f"{options.cache}/embeddings"))


def _trained(given: str, options: ScorerOptions) -> list[Scorer]:
    """A trained judge's two rows: without and with the reference; one engine for both."""
    name, _, address = given.rpartition("=")
    folder, name = judge_folder(address), name or "judge"
    rater = _once(lambda: _load_trained(folder, options.engine))
    return [
        Scorer(f"{name}_reference", "Self-J", True, rater),
        Scorer(name, "Self-J", False, rater),
    ]


def judge_folder(address: str) -> str:
    """The folder of a judge, from its own address or its run's.

    Raises ModelError if neither holds a finished judge.
    """
    from selfj.judge.judge import CARD
    from selfj.store import Store

    for folder in (address.rstrip("/"), f"{address.rstrip('/')}/judge"):
        if Store(folder).exists(CARD):
            return folder
    raise ModelError(f"{address}: no judge is there (no {CARD}, and no judge/{CARD}); give a finished run or a judge's folder")


def _load_trained(folder: str, engine: EngineSettings) -> Rates:
    """A trained judge in an engine of this process."""
    from selfj.raters.trained import load_judge_rater

    return load_judge_rater(folder, in_process(engine))


def in_process(settings: EngineSettings) -> EngineSettings:
    """The engine's settings for a process that is no Ray worker, whose environment is set as a worker's would be."""
    import torch

    from selfj.engine import engine_pool

    device: Literal["gpu", "cpu"] = "gpu" if torch.cuda.is_available() else "cpu"
    here = settings if settings.device != "auto" else replace(settings, device=device)
    for name, value in engine_pool(here).environment.items():
        os.environ.setdefault(name, value)
    return here


def _outside(settings: OutsideJudgeSettings, options: ScorerOptions) -> Scorer:
    def load() -> Rates:
        from selfj.raters import load_judge

        engine = in_process(options.engine) if settings.kind == "selfj" else None
        return load_judge(replace(settings, cache=settings.cache or options.cache), engine)

    return Scorer(settings.name, settings.title or settings.name, settings.with_reference, _once(load))


def _once(load: Callable[[], Rates]) -> Callable[[], Rates]:
    """Load when first asked, and keep it."""
    loaded: list[Rates] = []

    def give() -> Rates:
        if not loaded:
            loaded.append(load())
        return loaded[0]

    return give


def read_outside(path: str) -> list[OutsideJudgeSettings]:
    """Judges from outside, as a YAML file lists them: a list, or the list under `judges` or `evaluate.judges`.

    Raises SettingsError, in one line, for a file that cannot be read or an unknown field.
    """
    import yaml

    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as problem:
        raise SettingsError(f"{path}: cannot be read ({' '.join(str(problem).split())[:200]})") from None
    if isinstance(found, dict):
        found = (found.get("evaluate") or found).get("judges")
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise SettingsError(f"{path}: a list of judges is expected (name, kind, model, …)")
    return [_outside_settings(entry, path) for entry in found]


def _outside_settings(entry: dict[str, object], path: str) -> OutsideJudgeSettings:
    known = {item.name for item in fields(OutsideJudgeSettings)}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise SettingsError(f"{path}: a judge has no field {unknown[0]!r} (there are {', '.join(sorted(known))})")
    if not entry.get("name"):
        raise SettingsError(f"{path}: a judge has no name; give each one")
    return OutsideJudgeSettings(**entry)  # type: ignore[arg-type]
