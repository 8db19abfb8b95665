"""A complete run folder made of numbers alone: every table through TableFolder.write, no engine, gold known exactly."""

import json
from dataclasses import dataclass

import numpy as np

from selfj.collect_settings import SourceSettings
from selfj.config import EvaluateSettings, ModelSettings, Settings
from selfj.records import Instruction, Judged, Response, Scored, instruction_id, rejected, response_id, split_of, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest

FAMILIES = {"common": ("facts", "letters"), "coding": ("lists", "loops"), "academic": ("sums", "series")}
ROWS_PER_PART = 150
HOSTILE = '<script>alert("hi")</script> & <b>bold</b>'


@dataclass
class World:
    """What the synthetic run is made with."""

    instructions: int = 600
    responses: int = 1
    seed: int = 0
    policy: str = "tiny"
    methods: tuple[str, ...] = ("judge_reference", "judge", "self_eval")
    nulls: int = 3
    """Answers of the test split that the judge could not score."""


def synthetic_settings(run: RunFolder, **evaluate: object) -> Settings:
    """Settings that fit the synthetic run: gold from the metadata, few resamples."""
    name = run.address.rsplit("/", 1)[-1]
    runs = run.address.rsplit("/", 1)[0]
    settings = Settings(name=name, runs=runs, policy=ModelSettings(model="models/tiny"))
    settings.collect.sources = [SourceSettings(path="pocket")]
    settings.evaluate = EvaluateSettings(**{"gold": "tests.evaluate.synthetic:grade", "bootstrap": 100, **evaluate})
    return settings


def grade(metadata: dict, response: str) -> float:
    """The exact grade of a synthetic answer: it is written in it."""
    if "grade" not in response:
        raise KeyError("grade")
    return float(response.rsplit("grade ", 1)[1])


def write_run(run: RunFolder, world: World) -> None:
    """Write all tables, rejects and manifests of a run."""
    generator = np.random.default_rng(world.seed)
    asked = [_instruction(number) for number in range(world.instructions)]
    parts = [asked[first : first + ROWS_PER_PART] for first in range(0, len(asked), ROWS_PER_PART)]
    nulls = iter(range(world.nulls))
    for part, instructions in enumerate(parts):
        _write_part(run, part, instructions, world, generator, nulls)
    _finish(run, "collected", rows_in=world.instructions + 33, rows_out=world.instructions + 3, rejects=30, seconds=2.5)
    seconds = {
        "instructions": 1.0,
        "responses": 61.5,
        "self_evaluations": 20.0,
        "similarities": 9.0,
        "scored": 0.5,
        "judged": 12.0,
        "judged_by_policy": 6.0,
    }
    for name, took in seconds.items():
        _finish_table(run, name, took)
    _finish(run, "training", rows_in=397, rows_out=395, rejects=2, seconds=10.0)
    left_out = {"unlabelled": 3, "beyond_max_examples": 0, "too_long": 2}
    _finish(run, "judge", rows_in=400, rows_out=395, rejects=5, seconds=140.0, details={"left_out": left_out})


def _instruction(number: int) -> Instruction:
    category = tuple(FAMILIES)[number % 3]
    family = FAMILIES[category][number // 3 % 2]
    text = f"Question {number} about {family}: which of them is right? {HOSTILE if number % 7 == 0 else ''}"
    key = instruction_id(text)
    split, metadata = split_of(key, 0.4, 0.1), json.dumps({"index": number})
    return Instruction(key, text, f"The reference {number}.", category, family, "pocket", number, split, metadata)


def _write_part(run, part, instructions, world, generator, nulls):
    easy = {"facts": 0.6, "letters": 0.45, "lists": 0.55, "loops": 0.4, "sums": 0.65, "series": 0.5}
    responses, scored, judged = [], [], []
    for asked in instructions:
        for sample in range(world.responses):
            gold = float(np.clip(generator.normal(easy[asked.family], 0.25), 0, 1).round(2))
            key = response_id(asked.instruction_id, sample)
            responses.append(_response(key, asked, gold, world, generator))
            scored.append(_scored(key, asked, gold, generator))
            if asked.split != "train":
                is_null = asked.split == "test" and next(nulls, None) is not None
                judged += _judgements(key, gold, world, generator, is_null)
    short = range(3) if part == 0 else []
    missing = [rejected("instructions", "pocket", f"{n} words", row=n, field="instruction") for n in short]
    run.table("instructions").write(part, to_table(Instruction, instructions), missing, len(instructions) + len(missing))
    run.table("responses").write(part, to_table(Response, responses), [], len(responses))
    for name in ("self_evaluations", "similarities", "scored"):
        run.table(name).write(part, to_table(Scored, scored), [], len(scored))
    by_policy = [row for row in judged if row.method == "self_eval"]
    by_judge = [row for row in judged if row.method != "self_eval"]
    run.table("judged").write(part, to_table(Judged, by_judge), [], len(by_judge))
    run.table("judged_by_policy").write(part, to_table(Judged, by_policy), [], len(by_policy))


def _response(key, asked, gold, world, generator):
    tokens = int(generator.integers(5, 60))
    logprob = -tokens * float(np.clip(generator.normal(1.2 - 0.3 * gold, 0.5), 0.05, 4))
    text = f"I think it is this {HOSTILE if asked.row % 7 == 0 else ''}, grade {gold}"
    return Response(key, asked.instruction_id, text, world.policy, 1, tokens, logprob, "stop")


def _scored(key, asked, gold, generator):
    self_evaluation = float(np.clip(9 * (0.5 * gold + 0.5 * generator.random()), 0, 9))
    similarity = float(np.clip(0.5 * gold + 0.5 * generator.random(), -1, 1))
    quality = 0.5 * self_evaluation / 9 + 0.5 * similarity
    return Scored(key, asked.instruction_id, self_evaluation, similarity, quality, int(min(9, quality * 10)), None)


def _judgements(key, gold, world, generator, is_null):
    noise = {"judge_reference": 0.2, "judge": 0.3, "self_eval": 1.2}
    rows = []
    for method in world.methods:
        score = float(np.clip(9 * (gold + generator.normal(0, noise[method])), 0, 9))
        null = is_null and method == "judge"
        reason = "prompt longer than the context of 512 tokens" if null else None
        rows.append(
            Judged(key, method, method == "judge_reference", None if null else score, None, None if null else 0.99, reason)
        )
    return rows


def _finish_table(run, name, seconds):
    table = run.table(name)
    counts = [table.counts(part) for part in table.parts()]
    totals = {key: sum(getattr(count, key) for count in counts) for key in ("rows_in", "rows_out", "rejected")}
    _finish(run, name, rows_in=totals["rows_in"], rows_out=totals["rows_out"], rejects=totals["rejected"], seconds=seconds)


def _finish(run, name, *, rows_in, rows_out, rejects, seconds, details=None):
    manifest = Manifest(name, Fingerprint({}, {}), True, rows_in, rows_out, rejects, seconds, details=details or {})
    run.table(name).write_manifest(manifest)
