"""Many systems made from few policies, to rank: each policy at several temperatures and top-p, on a run's held-out instructions.

A finished run gives the instructions of its test split and its judge, which scores every answer without a reference; the exact
grade, where there is one, is the truth that `selfj rank OUT/outputs --score judge --truth grade` compares with. Each policy's
answers are a table of the output folder, so that a job that was stopped goes on.
"""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from selfj.arguments import settings_from
from selfj.config import EngineSettings, ModelSettings, SampleSettings, Settings, absolute_path, as_dict
from selfj.engine import content_of_model, engine_pool
from selfj.errors import DataError, SettingsError
from selfj.evaluate.gold import Answers, GoldColumn, gold_source
from selfj.evaluate.judging import JudgeMaker, Pair
from selfj.parts import MadePart, Table, make_table
from selfj.records import Instruction, Judged, Response, from_table, stable_seed, to_table
from selfj.run import RunFolder
from selfj.sample import ResponseMaker, check_policy
from selfj.setting_fields import folder_of
from selfj.tables import Fingerprint

OUTPUTS = "outputs"
STEP = "systems"
HOTTEST = 2
"""The highest temperature that vLLM takes."""


@dataclass
class SystemsSettings:
    """Which systems answer which instructions, and who judges them."""

    name: str = "systems"
    """Name of the output folder below `runs`."""
    runs: str = "runs"
    """Folder of runs."""
    run: str = "runs/pocket"
    """A finished run: its test instructions are answered, its judge scores the answers."""
    policies: list[ModelSettings] = field(default_factory=list)
    """Models that answer, each with a name of its own: policies, or checkpoints of their training."""
    temperatures: list[float] = field(default_factory=lambda: [1.0])
    """Sampling temperatures of each."""
    top_p: list[float] = field(default_factory=lambda: [1.0])
    """Nucleus of each."""
    instructions: int = 250
    """Test instructions to answer, the first by their id (a hash): the same for all systems."""
    max_tokens: int = 96
    """Longest answer."""
    prompts: Literal["standard", "short"] = "standard"
    """Prompt texts, as the run has them."""
    gold: str = "none"
    """`MODULE:FUNCTION` that grades an answer, or `none`."""
    seed: int = 0
    """Of the sampling."""
    engine: EngineSettings = field(default_factory=EngineSettings)
    """vLLM."""

    @property
    def folder(self) -> str:
        """Address of the output folder."""
        return folder_of(self.runs, self.name)

    @property
    def draws(self) -> list[SampleSettings]:
        """Every way in which each policy is sampled."""
        ways = itertools.product(self.temperatures, self.top_p)
        return [SampleSettings(temperature=heat, top_p=mass, max_tokens=self.max_tokens) for heat, mass in ways]


def read_systems_settings(arguments: Sequence[str] | None = None) -> SystemsSettings:
    """Settings from `--config FILE` and `--NAME VALUE` arguments; later ones win.

    Raises SettingsError, in one line, for what is unknown, of a wrong type or missing.
    """
    settings = settings_from(SystemsSettings, arguments, "systems.py")
    _check(settings)
    return settings


def _check(settings: SystemsSettings) -> None:
    names = [policy.name for policy in settings.policies]
    if not names or not all(names) or len(set(names)) < len(names) or any("/" in name for name in names):
        raise SettingsError("settings: policies: give at least one, each with a plain `name` of its own")
    if not settings.temperatures or not settings.top_p or settings.instructions < 1:
        raise SettingsError("settings: temperatures, top_p and instructions: at least one of each")
    if not all(0 <= heat <= HOTTEST for heat in settings.temperatures) or not all(0 < mass <= 1 for mass in settings.top_p):
        raise SettingsError(f"settings: temperatures: from 0 to {HOTTEST}; top_p: above 0, at most 1")


def make_systems(settings: SystemsSettings) -> str:
    """Sample, judge and grade the answers of all systems; returns the folder with one JSONL file for each.

    Each line has instruction, response, reference, `judge` (0 to 9, null with `judge_reason`) and `grade`. Needs a Ray cluster.
    Raises SelfJError for a run that is not finished or a policy that cannot answer.
    """
    run, source = RunFolder(settings.folder), RunFolder(settings.run)
    run.check_writable()
    held_out = _write_instructions(run, source, settings)
    for policy in settings.policies:
        _sample(run, policy, settings, held_out)
    _judge(run, source, settings)
    for number, policy in enumerate(settings.policies):
        _write_outputs(run, policy, number, settings)
    return run.path(OUTPUTS)


def _write_instructions(run: RunFolder, source: RunFolder, settings: SystemsSettings) -> Fingerprint:
    """The instructions, once for each way of sampling: part k is answered in the k-th way."""
    upstream = source.upstream("instructions", STEP)
    fingerprint = Fingerprint(
        {"instructions": settings.instructions, "ways": len(settings.draws)}, {"instructions": upstream.fingerprint.digest}
    )
    table = run.table("instructions")
    manifest = table.begin(fingerprint, STEP)
    if manifest.finished:
        return fingerprint
    rows = [row for row in from_table(Instruction, source.table("instructions").read_all()) if row.split == "test"]
    chosen = to_table(Instruction, sorted(rows, key=lambda row: row.instruction_id)[: settings.instructions])
    if not chosen.num_rows:
        raise DataError(f"{source.address}: no instruction is in the test split; collect more instructions")
    for part in range(len(settings.draws)):
        table.write(part, chosen, [], chosen.num_rows)
    table.finish(manifest)
    return fingerprint


class SystemMaker:
    """Answers of one policy, one way of sampling a part."""

    def __init__(self, settings: Settings, draws: Sequence[SampleSettings]) -> None:
        self.settings, self.draws = settings, draws
        self.maker = ResponseMaker(settings)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Answers to the instructions in the way of part `part`, with random numbers of their own."""
        seed = stable_seed(self.settings.seed, self.settings.policy_name, part)
        self.maker.settings = replace(self.settings, sample=self.draws[part], seed=seed)
        return self.maker.make(run, part)


def _sample(run: RunFolder, policy: ModelSettings, settings: SystemsSettings, held_out: Fingerprint) -> None:
    asked = as_dict(policy, resources=False)
    policy = replace(policy, model=absolute_path(policy.model))
    chosen = Settings(policy=policy, prompts=settings.prompts, engine=settings.engine, seed=settings.seed)
    check_policy(policy, chosen)
    draws = [as_dict(draw, resources=False) for draw in settings.draws]
    how = {"policy": asked, "draws": draws, "seed": settings.seed, "prompts": settings.prompts}
    inputs = {"instructions": held_out.digest, **content_of_model(policy)}
    parts = list(range(len(settings.draws)))
    table = Table(_answers_of(policy), STEP, Fingerprint(how, inputs), parts, len(parts) * settings.instructions)
    make_table(run, table, partial(SystemMaker, chosen, settings.draws), engine_pool(settings.engine))


def _answers_of(policy: ModelSettings) -> str:
    return f"answers-{policy.name}"


def _judge(run: RunFolder, source: RunFolder, settings: SystemsSettings) -> None:
    """The table `judged`: part n holds the answers of system n."""
    judge = source.upstream("judge", STEP)
    answers = {policy.name: run.upstream(_answers_of(policy), STEP).fingerprint.digest for policy in settings.policies}
    parts = list(range(len(settings.policies) * len(settings.draws)))
    table = Table("judged", STEP, Fingerprint({}, {"judge": judge.fingerprint.digest, **answers}), parts)
    pairs = partial(answered, tables=[_answers_of(policy) for policy in settings.policies], ways=len(settings.draws))
    asked = Settings(policy=settings.policies[0], engine=settings.engine)
    make_table(run, table, partial(JudgeMaker, source.path("judge"), asked, ("judge",), pairs), engine_pool(settings.engine))


def answered(run: RunFolder, system: int, *, tables: Sequence[str], ways: int) -> list[Pair]:
    """The answers of one system, numbered by policy and then by way of sampling, each beside its instruction."""
    policy, way = divmod(system, ways)
    instructions = {row.instruction_id: row for row in from_table(Instruction, run.table("instructions").read(way))}
    responses = from_table(Response, run.table(tables[policy]).read(way))
    return [(instructions[row.instruction_id], row) for row in responses]


def _write_outputs(run: RunFolder, policy: ModelSettings, number: int, settings: SystemsSettings) -> None:
    tables, ways = [_answers_of(each) for each in settings.policies], len(settings.draws)
    for way, draw in enumerate(settings.draws):
        system = number * ways + way
        pairs = answered(run, system, tables=tables, ways=ways)
        judged = from_table(Judged, run.table("judged").read(system))
        rows = _output_rows(pairs, judged, _grades(pairs, settings.gold))
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        run.store.write(f"{OUTPUTS}/{_name(policy, draw)}.jsonl", lines.encode())


def _name(policy: ModelSettings, draw: SampleSettings) -> str:
    nucleus = f" top-p {draw.top_p:g}" if draw.top_p < 1 else ""
    return f"{policy.name} at {draw.temperature:g}{nucleus}"


def _grades(pairs: Sequence[Pair], gold: str) -> GoldColumn | None:
    settings = Settings()
    settings.evaluate.gold = gold
    source = gold_source(settings.evaluate)
    if source is None:
        return None
    columns = zip(*((answer.response_id, question.metadata, answer.response) for question, answer in pairs), strict=True)
    return source.gold(Answers(*columns))


def _output_rows(pairs: Sequence[Pair], judged: Sequence[Judged], grades: GoldColumn | None) -> list[dict[str, Any]]:
    return [
        {
            "instruction": question.instruction,
            "response": answer.response,
            "reference": question.reference,
            "category": question.category,
            "judge": rating.score,
            "judge_reason": rating.reason,
            "grade": None if grades is None or grades.reasons[row] else float(grades.values[row]),
        }
        for row, ((question, answer), rating) in enumerate(zip(pairs, judged, strict=True))
    ]
