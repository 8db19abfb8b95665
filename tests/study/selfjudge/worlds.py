"""Run folders of SELF-JUDGE studies as they are after a run, made in a moment."""

import json
from pathlib import Path

import numpy as np

from selfj.contests.rows import CONTESTS, WINNERS, Contest, Winner, winner_of
from selfj.contests.step import RESULT as TOURNAMENT_RESULT
from selfj.contests.summary import Played
from selfj.records import instruction_id, to_table
from selfj.run import RunFolder
from selfj.selfjudge.jsft.card import JsftFolder
from selfj.selfjudge.measured.answers import answers_table
from selfj.selfjudge.measured.verdicts import VERDICTS, PairVerdict
from selfj.selfjudge.pairs import Pair, Verdict
from selfj.selfjudge.self_training.results import PROBES, arm_folder
from selfj.selfjudge.self_training.rows import Probe
from selfj.selfjudge.tournament import tournament
from selfj.study.selfjudge.runs import SECONDS
from tests.cards import jsft_card

PROMPTS = 60
GRADES = {"offline": 0.52, "off_policy": 0.56, "on_policy": 0.62, "moving_judge": 0.6}
"""Mean grade of each arm; the start's is 0.5, that of the model without judge examples 0.48."""


def grade(metadata: dict[str, int], answer: str) -> float:
    """Answers of these worlds say their grade."""
    return float(answer.split()[-1])


GOLD = "tests.study.selfjudge.worlds:grade"


def card(folder: str, judge_share: float = 0.67) -> JsftFolder:
    history = [{"step": step, "validation": {"accuracy": 0.5 + step / 300}} for step in (20, 40, 60)]
    validation = {"lm": 0.9, "judge": 0.4, "accuracy": 0.8, "accuracy_chosen_first": 0.82, "accuracy_rejected_first": 0.76}
    made = jsft_card(
        folder, judge_share=judge_share, settings={"clear_gap": 0.3}, pairs=100, examples={"sft": 100, "judge": 200},
        validation=validation, history=history,
    )  # fmt: skip
    made.write()
    return made


def keys(seed: int, count: int = PROMPTS) -> list[str]:
    return [instruction_id(f"What is {number} + {seed}?") for number in range(count)]


def near(random: np.random.Generator, mean: float) -> float:
    return float(np.clip(random.normal(mean, 0.15), 0, 1).round(3))


def write_seed(study: Path, seed: int, arms: dict[str, float] = GRADES, *, sft: bool = True, contests: int = 12) -> str:
    """One seed's run with everything that is measured; returns its folder."""
    run, random = RunFolder(str(study / f"seed{seed}")), np.random.default_rng(seed)
    card(run.path("jsft"))
    write_verdicts(run, seed, random)
    starts = [near(random, 0.5) for _ in range(PROMPTS)]
    for arm, mean in arms.items():
        write_arm(run, seed, arm, starts, [min(1.0, max(0.0, start + near(random, mean) - 0.5)) for start in starts])
    if sft:
        write_sft(RunFolder(f"{run.address}-sft"), seed, random)
    write_tournament(run, seed, random, contests)
    run.store.write(SECONDS, json.dumps({"start": 100.0, "on_policy": 60.0}).encode())
    return run.address


def write_verdicts(run: RunFolder, seed: int, random: np.random.Generator) -> None:
    rows = []
    for number, key in enumerate(keys(seed)):
        right, gap = random.random() < 0.8, [0.1, 0.5][number % 2]
        rows.append(PairVerdict(f"p{number}", key, gap, 0.6, 0.4, "chosen" if right else "rejected", number % 10 == 0, None))
    rows.append(PairVerdict("p", keys(seed)[0], 0.5, None, None, None, None, "too long"))
    run.table(VERDICTS).write(0, to_table(PairVerdict, rows), [], len(rows))


def write_arm(run: RunFolder, seed: int, arm: str, starts: list[float], grades: list[float], status: str = "finished") -> None:
    rows = [
        Probe(key, f"It is {mine}", [1], [1, 2], "stop", mine, start, 0.6, 0.4, ["policy", "start", None][number % 3], None)
        for number, (key, mine, start) in enumerate(zip(keys(seed), grades, starts, strict=True))
    ]
    folder = arm_folder(run, arm)
    folder.table(PROBES).write(0, to_table(Probe, rows), [], len(rows))
    folder.table(PROBES).write(1, to_table(Probe, rows), [], len(rows))
    probes = [
        {"round": place * 10, "step": place * 10, "kl": 2.0 * place, "prompts": 20, "grade": 0.5 + 0.03 * place, "win_rate": 0.5,
         "start_grade": 0.5, "grade_win_rate": 0.5, "tokens": 20.0 + place, "repetition": 0.01, "finished": 1.0}
        for place in range(4)
    ]  # fmt: skip
    result = {
        "arm": arm, "status": status, "reason": None if status == "finished" else "the KL divergence is 70", "steps": 40,
        "seconds": 90.0, "settings": {"gold": GOLD}, "probes": probes, "rounds": [],
        "pairs": {"pairs": 900, "flip_rate": 0.05, "agreement": 0.8},
    }  # fmt: skip
    folder.store.write("self_training.json", json.dumps(result).encode())


def contest(key: str, grades: list[float]) -> Contest:
    return Contest(key, "What?", [f"It is {value}" for value in grades], [f"{key}-{n}" for n in range(len(grades))], "", "{}")


def write_sft(run: RunFolder, seed: int, random: np.random.Generator) -> None:
    card(run.path("jsft"), 0.0)
    rows = [contest(key, [near(random, 0.48), near(random, 0.48)]) for key in keys(seed)]
    run.table(answers_table("sft")).write(0, to_table(Contest, rows), [], len(rows))


class ByGrade:
    """Prefers the answer with the higher grade."""

    def compare(self, pairs: list[Pair]) -> list[Verdict]:
        return [Verdict("a" if grade({}, pair.a) >= grade({}, pair.b) else "b", 0.6, 0.4, flips=False) for pair in pairs]


def write_tournament(run: RunFolder, seed: int, random: np.random.Generator, contests: int) -> None:
    held = RunFolder(run.path("tournament"))
    rows = [contest(key, [near(random, 0.5) for _ in range(8)]) for key in keys(seed, contests)]
    brackets = tournament([row.instruction for row in rows], [row.responses for row in rows], ByGrade())
    winners = [winner_of(row, bracket) for row, bracket in zip(rows, brackets, strict=True)]
    held.table(CONTESTS).write(0, to_table(Contest, rows), [], len(rows))
    held.table(WINNERS).write(0, to_table(Winner, winners), [], len(rows))
    played = Played()
    for row, winner in zip(rows, winners, strict=True):
        played.add(winner, [grade({}, response) for response in row.responses])
    held.store.write(TOURNAMENT_RESULT, json.dumps({"gold": GOLD, **played.as_dict(50, 0)}).encode())
