"""What a round, and answers to held-out prompts, come to in figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from selfj.selfjudge.self_training.rows import LEFT_OUT, JudgedPair, Probe


@dataclass(frozen=True)
class PairFigures:
    """Pairs of a round, or all pairs of a run that learns from fixed ones."""

    prompts: int
    """Prompts with two answers."""
    pairs: int
    """Pairs learnt from."""
    left_out: dict[str, int]
    """Pairs left out, by why (rows.LEFT_OUT)."""
    flip_rate: float | None
    """Share of judged pairs whose preferred answer changes with the order."""
    grade: float | None
    """Mean grade of the answers."""
    agreement: float | None
    """Share of pairs learnt from, with unequal grades, whose preferred answer has the higher one."""
    tokens: float
    """Mean length of an answer."""
    repetition: float
    """Mean share of an answer's 4-grams of tokens that it has had before."""


@dataclass(frozen=True)
class ProbeFigures:
    """Answers of the policy to held-out prompts."""

    prompts: int
    grade: float | None
    """Mean grade."""
    start_grade: float | None
    """Mean grade of the start's answers to the same prompts."""
    grade_win_rate: float | None
    """Share of prompts on which it has the higher grade than the start, ties counted half."""
    win_rate: float | None
    """The same by the judge's verdicts."""
    ties: int
    """Verdicts that prefer neither (the same text twice among them)."""
    unjudged: int
    """Prompts without a verdict."""
    tokens: float
    """Mean length of an answer."""
    finished: float
    """Share of answers that ended by themselves."""
    repetition: float
    """As above."""


def pair_figures(pairs: Sequence[JudgedPair]) -> PairFigures:
    """Figures of some pairs, at least one."""
    flips = [pair.flips for pair in pairs if pair.flips is not None]
    grades = [grade for pair in pairs for grade in (pair.grade_a, pair.grade_b) if grade is not None]
    answers = [ids for pair in pairs for ids in (pair.ids_a, pair.ids_b)]
    return PairFigures(
        prompts=len(pairs),
        pairs=sum(pair.preferred is not None for pair in pairs),
        left_out={why: count for why in LEFT_OUT if (count := sum(pair.left_out == why for pair in pairs))},
        flip_rate=_mean(flips),
        grade=_mean(grades),
        agreement=_mean(agree for pair in pairs if (agree := _agrees(pair)) is not None),
        tokens=float(np.mean([len(ids) for ids in answers])),
        repetition=float(np.mean([repetition(ids) for ids in answers])),
    )


def _agrees(pair: JudgedPair) -> bool | None:
    if pair.preferred is None or pair.grade_a is None or pair.grade_b is None or pair.grade_a == pair.grade_b:
        return None
    return (pair.grade_a > pair.grade_b) == (pair.preferred == "a")


def probe_figures(probes: Sequence[Probe]) -> ProbeFigures:
    """Figures of some answers, at least one."""
    graded = [(probe.grade, probe.start_grade) for probe in probes if probe.grade is not None and probe.start_grade is not None]
    judged = [probe for probe in probes if probe.reason is None]
    won = {"policy": 1.0, "start": 0.0, None: 0.5}
    return ProbeFigures(
        prompts=len(probes),
        grade=_mean(mine for mine, _ in graded),
        start_grade=_mean(start for _, start in graded),
        grade_win_rate=_mean((mine > start) + 0.5 * (mine == start) for mine, start in graded),
        win_rate=_mean(won[probe.preferred] for probe in judged),
        ties=sum(probe.preferred is None for probe in judged),
        unjudged=len(probes) - len(judged),
        tokens=float(np.mean([len(probe.ids) for probe in probes])),
        finished=float(np.mean([probe.finish_reason == "stop" for probe in probes])),
        repetition=float(np.mean([repetition(probe.ids) for probe in probes])),
    )


def repetition(ids: Sequence[int], size: int = 4) -> float:
    """Share of a sequence's `size`-grams that stand in it before: 0 to 1, and 0 for a sequence too short to have any."""
    grams = [tuple(ids[place : place + size]) for place in range(len(ids) - size + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return float(np.mean(found)) if found else None
