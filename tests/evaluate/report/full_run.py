"""A synthetic run that has all a report can show: every row of the paper, outside judges, candidates, thresholds, a ranking."""

import json
import shutil
from pathlib import Path

import numpy as np

from selfj.config import OutsideJudgeSettings, Settings
from selfj.evaluate.candidates import CANDIDATES, JUDGED_CANDIDATES
from selfj.evaluate.methods import VRO_TABLE, outside_table, plus_cosine
from selfj.evaluate.outside import CombinedMaker
from selfj.judge.judge import JudgeFolder
from selfj.records import Instruction, Judged, Response, Similarity, from_table, response_id, to_table
from selfj.run import RunFolder, variant_table
from tests.cards import judge_card
from tests.evaluate.synthetic import World, _finish_table, synthetic_settings, write_run

POCKET = Path(__file__).parents[3] / "selfj" / "pocket" / "policies" / "base"
BEST_OF = 8
NOISE = {
    "judge_cosine": 0.45, "judge_self_eval": 0.5, "judge_no_distillation": 0.36, "judge_without_academic": 0.7,
    "reward": 0.4, "gpt": 0.25, "gpt_reference": 0.15, "vro": 0.9,
}  # fmt: skip
"""How far each method's score is from the truth."""


def full_settings(run: RunFolder, **evaluate: object) -> Settings:
    """Settings of the full run."""
    settings = synthetic_settings(run, resamples=2, best_of=BEST_OF, best_of_instructions=60, **evaluate)
    settings.variants = {
        "judge_cosine": {"score.self_evaluation_weight": 0.0},
        "judge_self_eval": {"score.similarity_weight": 0.0},
        "judge_no_distillation": {"train.teacher_weight": 0.0, "train.distillation_weight": 0.0, "train.student_weight": 1.0},
        "judge_without_academic": {"train.exclude_categories": ["academic"]},
    }
    settings.evaluate.judges = [
        OutsideJudgeSettings("gpt_reference", model="gpt-x", title="GPT-X", with_reference=True, paper=70.42),
        OutsideJudgeSettings("gpt", model="gpt-x", title="GPT-X", paper=20.62),
        OutsideJudgeSettings("reward", kind="reward_model", model="org/reward", title="Reward model (org/reward)", paper=52.98),
    ]
    return settings


def write_full_run(run: RunFolder, world: World) -> Settings:
    """Write all tables, the judge's card and tokenizer, and the ranking."""
    write_run(run, world)
    settings, generator = full_settings(run), np.random.default_rng(7)
    for part in run.table("responses").parts():
        _write_others(run, part, settings, generator)
        _write_candidates(run, part, generator)
    tables = [variant_table(name, "judged") for name in settings.variants]
    tables += [outside_table(judge.name) for judge in settings.evaluate.judges]
    tables += [_write_combined(run, settings)]
    for name in (*tables, VRO_TABLE, CANDIDATES, JUDGED_CANDIDATES):
        _finish_table(run, name, 9.0)
    write_judge(run)
    write_ranking(run)
    return settings


def _write_others(run, part, settings, generator):
    instructions = {row.instruction_id: row for row in from_table(Instruction, run.table("instructions").read(part))}
    answers = from_table(Response, run.table("responses").read(part))
    held_out = [row for row in answers if instructions[row.instruction_id].split != "train"]
    for name in settings.variants:
        rows = [_judged(row, name, generator, None) for row in held_out]
        run.table(variant_table(name, "judged")).write(part, to_table(Judged, rows), [], len(rows))
    for judge in settings.evaluate.judges:
        refused = "the endpoint refused: content filter" if judge.name == "gpt" else None
        rows = [_judged(row, judge.name, generator, refused if place % 23 == 0 else None) for place, row in enumerate(held_out)]
        run.table(outside_table(judge.name)).write(part, to_table(Judged, rows), [], len(rows))
    rows = [Similarity(row.response_id, float(np.clip(_noisy(row, "vro", generator), -1, 1)), None) for row in held_out]
    run.table(VRO_TABLE).write(part, to_table(Similarity, rows), [], len(rows))


def _write_combined(run, settings):
    """The judge that saw the reference, combined with similarity: made as the evaluate step makes it."""
    maker, name = CombinedMaker(run.address, "gpt_reference", settings), outside_table(plus_cosine("gpt_reference"))
    for part in run.table(outside_table("gpt_reference")).parts():
        made = maker.make(run, part)
        run.table(name).write(part, made.rows, [], made.rows_in)
    return name


def _noisy(row, name, generator):
    return float(row.response.rsplit("grade ", 1)[1]) + generator.normal(0, NOISE[name])


def _judged(row, name, generator, reason):
    score = None if reason else float(np.clip(9 * _noisy(row, name, generator), 0, 9))
    return Judged(row.response_id, name, name == "gpt_reference", score, None, None, reason)


def _write_candidates(run, part, generator):
    asked = [row for row in from_table(Instruction, run.table("instructions").read(part)) if row.split == "test"]
    candidates = [_candidate(row, number, generator) for row in asked for number in range(1, BEST_OF + 1)]
    run.table(CANDIDATES).write(part, to_table(Response, candidates), [], len(candidates))
    rows = []
    for row in candidates:
        score = float(np.clip(9 * (float(row.response.rsplit("grade ", 1)[1]) + generator.normal(0, 0.3)), 0, 9))
        rows.append(Judged(row.response_id, "judge", False, score, None, 0.99, None))
    run.table(JUDGED_CANDIDATES).write(part, to_table(Judged, rows), [], len(rows))


def _candidate(asked, number, generator):
    gold, tokens = round(float(np.clip(generator.normal(0.5, 0.25), 0, 1)), 2), int(generator.integers(5, 60))
    text = f"{'Let me think. ' * (tokens // 10)}grade {gold}"
    key = response_id(asked.instruction_id, number)
    sum_logprob = -tokens * (1.3 - 0.3 * gold + 0.2 * generator.random())
    return Response(key, asked.instruction_id, text, "tiny", 1, tokens, sum_logprob, "stop")


def write_judge(run: RunFolder, **changes: object) -> JudgeFolder:
    """A judge folder without weights: the card with thresholds, and the pocket policy's tokenizer."""
    folder = Path(run.path("judge"))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(POCKET / name, folder / name)
    judge = judge_card(folder, max_prompt_tokens=200, examples=395, thresholds=_thresholds(), **changes)
    judge.write()
    card = json.loads((folder / "judge.json").read_text())
    (folder / "judge.json").write_text(json.dumps({**card, "calibration": _calibration()}))
    return judge


def _thresholds():
    shared = {"confidence": 0.95, "on": "gold: tests.evaluate.synthetic:grade", "rows": 61, "instructions": 61}
    columns = ("kind", "target", "threshold", "coverage", "quality", "lower_bound")
    rows = [
        ("quality", 0.6, 5.2, 0.48, 0.68, 0.61),
        ("risk", 0.45, 3.1, 0.74, 0.61, 0.555),
        ("coverage", 0.8, 2.6, 0.82, 0.58, 0.53),
    ]
    return {f"{row[0]}={row[1]}": {**shared, **dict(zip(columns, row, strict=True))} for row in rows}


def _calibration():
    coverages = np.linspace(0, 1, 41)
    curve = [
        {"threshold": 9 * (1 - c), "coverage": c, "quality": 0.85 - 0.33 * c, "quality_low": 0.85 - 0.33 * c - 0.04 / (c + 0.1)}
        for c in coverages.tolist()
    ]
    return {"on": "gold: tests.evaluate.synthetic:grade", "instructions": 61, "curve": curve}


def write_ranking(run: RunFolder) -> None:
    """24 systems, as `selfj rank` writes them."""
    generator = np.random.default_rng(3)
    systems = [_system(number, generator) for number in range(24)]
    systems.sort(key=lambda one: -one["judge"])
    agreement = {"judge": _agreement(0.93, 0.85, 0.97), "characters": _agreement(0.2, -0.2, 0.5)}
    result = {"method": "judge", "systems": 24, "ranking": systems, "agreement": agreement}
    run.store.write("report/ranking.json", json.dumps(result).encode())


def _system(number, generator):
    truth = 0.3 + 0.5 * number / 23
    score = 9 * truth + generator.normal(0, 0.4)
    name = f"pocket, temperature {number / 10:.1f}"
    return {"system": name, "judge": score, "low": score - 0.3, "high": score + 0.3, "truth": truth, "answers": 200}


def _agreement(value, low, high):
    names = [f"{name}_over_{unit}" for name in ("spearman", "kendall") for unit in ("instructions", "systems")]
    return {"systems": 24, "spearman": value, "kendall": value - 0.1, **{key: [low, high] for key in names}}
