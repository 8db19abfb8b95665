"""What one SELF-JUDGE run has to say: a column of values for every statistic, each value with the instruction it is about."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.contests.rows import CONTESTS, WINNERS, Contest, Winner, bracket_of
from selfj.contests.step import RESULT as TOURNAMENT_RESULT
from selfj.contests.summary import grades_by_size
from selfj.errors import SelfJError
from selfj.evaluate.metrics.weighted import Floats
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.jsft.card import CARD, JsftFolder
from selfj.selfjudge.measured.answers import answers_table
from selfj.selfjudge.measured.verdicts import VERDICTS, PairVerdict, read_verdicts
from selfj.selfjudge.self_training.makers import Grade, grader
from selfj.selfjudge.self_training.results import RESULT, read_probes, read_result
from selfj.selfjudge.self_training.settings import FOLDER
from selfj.study.selfjudge.runs import TOURNAMENT, seconds_of
from selfj.study.selfjudge.settings import SFT, START

Key = tuple[str, str]
"""("judge", STATISTIC), ("grade", POLICY), ("win_rate", ARM), ("grade_win_rate", ARM), ("tournament", SIZE), ("gain", SIZE)."""
CLEAR_GAP = 0.3
"""Pairs of a run without a card's own that differ by so much count as clear."""


@dataclass(frozen=True)
class Values:
    """Values of one statistic, of which the mean is asked for."""

    instruction_ids: NDArray[np.str_]
    """(rows,)"""
    values: Floats
    """(rows,)"""

    @classmethod
    def of(cls, rows: Iterable[tuple[str, float | bool | None]]) -> "Values":
        """Rows with a value; the others are left out."""
        known = [(key, float(value)) for key, value in rows if value is not None]
        return cls(np.array([key for key, _ in known], dtype=np.str_), np.array([value for _, value in known], dtype=np.float64))


@dataclass
class SeedResult:
    """One run with all that was measured on it."""

    seed: int
    run: str
    values: dict[Key, Values] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """What is not there, and why."""
    card: JsftFolder | None = None
    sft_card: JsftFolder | None = None
    arms: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What `self_training.json` of each arm says."""
    tournament: dict[str, Any] = field(default_factory=dict)
    """What `tournament.json` says."""
    seconds: dict[str, float] = field(default_factory=dict)


def read_seed(folder: str, seed: int, problems: Mapping[str, str] | None = None) -> SeedResult:
    """Read a run; what it lacks is one of its problems, never an error."""
    run = RunFolder(folder)
    found = SeedResult(seed, run.address, problems=dict(problems or {}), seconds=seconds_of(run))
    found.card = _card(run)
    _tried(found, "verdicts", lambda: _read_verdicts(run, found))
    for arm in run.store.names(FOLDER):
        if run.store.exists(f"{FOLDER}/{arm}/{RESULT}"):
            _tried(found, arm, lambda arm=arm: _read_arm(run, arm, found))  # type: ignore[misc]
    _tried(found, SFT, lambda: _read_sft(run, found))
    _tried(found, TOURNAMENT, lambda: _read_tournament(run, found))
    return found


def _tried(found: SeedResult, what: str, read: Callable[[], None]) -> None:
    try:
        read()
    except (SelfJError, OSError, ValueError, KeyError) as problem:
        found.problems.setdefault(what, f"{type(problem).__name__}: {problem}")


def _card(run: RunFolder) -> JsftFolder | None:
    return JsftFolder.load(run.path("jsft")) if run.store.exists(f"jsft/{CARD}") else None


def gold_of(found: SeedResult) -> Grade:
    """The grades that the run's own figures are about."""
    named = [str(arm["settings"]["gold"]) for arm in found.arms.values()] + [str(found.tournament.get("gold", "none"))]
    return grader(next((gold for gold in named if gold != "none"), "none"))


def _read_verdicts(run: RunFolder, found: SeedResult) -> None:
    if not run.table(VERDICTS).parts():
        return
    rows = [row for row in read_verdicts(run) if row.reason is None]
    gap = CLEAR_GAP if found.card is None else float(found.card.settings.get("clear_gap", CLEAR_GAP))
    clear = [row for row in rows if row.gap is not None and row.gap >= gap - 1e-9]
    for prefix, chosen in (("", rows), ("clear_", clear)):
        found.values |= {("judge", f"{prefix}{name}"): values for name, values in _judged(chosen).items()}


def _judged(rows: list[PairVerdict]) -> dict[str, Values]:
    return {
        "accuracy": Values.of((row.instruction_id, row.right) for row in rows),
        "flip_rate": Values.of((row.instruction_id, row.flips) for row in rows),
        "ties": Values.of((row.instruction_id, row.preferred is None) for row in rows),
    }


def _read_arm(run: RunFolder, arm: str, found: SeedResult) -> None:
    """A finished arm's answers to held-out prompts, and the start's to the same ones."""
    result = read_result(run, arm)
    found.arms[arm] = result
    if result["status"] != "finished":
        found.problems.setdefault(arm, str(result["reason"]))
    rows = read_probes(run, arm)
    won = {"policy": 1.0, "start": 0.0, None: 0.5}
    graded = [(row.instruction_id, row.grade, row.start_grade) for row in rows if row.grade is not None]
    found.values["grade", arm] = Values.of((key, mine) for key, mine, _ in graded)
    start = Values.of((key, grade) for key, _, grade in graded)
    known = found.values.setdefault(("grade", START), start)
    if len(start.values) > len(known.values):  # an arm that was stopped has answered fewer prompts
        found.values["grade", START] = start
    found.values["win_rate", arm] = Values.of((row.instruction_id, won[row.preferred]) for row in rows if row.reason is None)
    wins = ((key, None if start is None else (mine > start) + 0.5 * (mine == start)) for key, mine, start in graded)
    found.values["grade_win_rate", arm] = Values.of(wins)


def _read_sft(run: RunFolder, found: SeedResult) -> None:
    other = RunFolder(f"{run.address}-{SFT}")
    found.sft_card = _card(other)
    if other.table(answers_table(SFT)).parts():
        grade = gold_of(found)
        rows: list[Contest] = from_table(Contest, other.table(answers_table(SFT)).read_all())
        found.values["grade", SFT] = Values.of(
            (row.contest_id, grade(row.metadata, answer)) for row in rows for answer in row.responses
        )


def _read_tournament(run: RunFolder, found: SeedResult) -> None:
    held = RunFolder(run.path(TOURNAMENT))
    if not held.store.exists(TOURNAMENT_RESULT):
        return
    found.tournament = json.loads(held.store.read(TOURNAMENT_RESULT))
    sizes = {int(size) for size in found.tournament["by_size"]}
    by_size: dict[int, list[tuple[str, float, float]]] = {size: [] for size in sizes}
    for key, grades in _graded_contests(held, gold_of(found)):
        for size in sizes & set(grades):
            by_size[size].append((key, grades[size], grades[size] - grades[1]))
    for size, rows in by_size.items():
        found.values["tournament", str(size)] = Values.of((key, grade) for key, grade, _ in rows)
        found.values["gain", str(size)] = Values.of((key, gain) for key, _, gain in rows)


def _graded_contests(held: RunFolder, grade: Grade) -> Iterable[tuple[str, dict[int, float]]]:
    """Of each contest whose responses all have a grade: mean grade of the winners of all smaller tournaments, by size."""
    for part in held.table(WINNERS).parts():
        contests: list[Contest] = from_table(Contest, held.table(CONTESTS).read(part))
        winners: list[Winner] = from_table(Winner, held.table(WINNERS).read(part))
        for contest, winner in zip(contests, winners, strict=True):
            grades = [grade(contest.metadata, response) for response in contest.responses]
            known = [value for value in grades if value is not None]
            if winner.winner is not None and len(known) == len(grades):
                yield contest.contest_id, grades_by_size(bracket_of(winner.bracket), known)
