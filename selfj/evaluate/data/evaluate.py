"""`selfj evaluate`: a table of answers with gold, of pairs with preferences or of choices, and what the methods make of it.

The folder it writes holds `metrics.json`, `table.md`, `predictions.parquet` (one row per answer or pair) and `rejected.parquet`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from selfj.evaluate.data.answers import answer_metrics, gold_of
from selfj.evaluate.data.choices import Choice, ChoiceScores, by_choice, choice_metrics, read_choices
from selfj.evaluate.data.choices import questions_of as questions_of_choices
from selfj.evaluate.data.files import place_columns, score_columns, write_parquet
from selfj.evaluate.data.pairs import PairScores, halves, pair_metrics, questions_of
from selfj.evaluate.data.reading import Answer, Columns, Pair, holds_lists, read_answers, read_pairs
from selfj.evaluate.data.rewardbench import export
from selfj.evaluate.data.rewardbench2 import export_choices
from selfj.evaluate.data.scorers import Scorer, ScorerOptions, make_scorers
from selfj.evaluate.data.scoring import Resampling, ScoredColumn, score
from selfj.evaluate.data.table import markdown
from selfj.evaluate.data.votes import majorities
from selfj.evaluate.metrics.bootstrap import LEVEL
from selfj.rating import Question
from selfj.records import Rejected, to_table
from selfj.store import Store


@dataclass
class DataJob:
    """What is to be evaluated, by what, and where the results go."""

    data: str
    """File, folder or `hf://` address."""
    out: str
    """Folder to write, local or any fsspec address."""
    columns: Columns = field(default_factory=Columns)
    pairs: bool = False
    """Whether rows are pairs of answers with a preference, or lists of right and wrong answers, instead of answers with gold."""
    methods: ScorerOptions = field(default_factory=ScorerOptions)
    resampling: Resampling = field(default_factory=Resampling)
    good: float | None = None
    """Gold from which an answer is good; by default its median."""
    limit: int | None = None
    """Rows to read at most."""
    rewardbench: str = ""
    """ORGANISATION/MODEL: write the pairs' scores in RewardBench's format, under this name."""


def evaluate_data(job: DataJob) -> dict[str, Any]:
    """Evaluate and write the folder; returns what stands in metrics.json.

    Raises DataError if the table has no usable row, ModelError or SettingsError if a method cannot be had.
    """
    scorers = make_scorers(job.methods)
    store = Store(job.out)
    metrics, predictions, rejects = _evaluated(job, scorers, store)
    metrics = {
        "data": job.data.rsplit("/", 1)[-1],
        **metrics,
        "rejected": len(rejects),
        "seed": job.resampling.seed,
        "interval": {"level": LEVEL, "resamples": job.resampling.resamples, "unit": "instruction"},
    }
    write_parquet(store, "predictions.parquet", predictions)
    write_parquet(store, "rejected.parquet", to_table(Rejected, rejects))
    store.write("table.md", markdown(metrics).encode())
    store.write("metrics.json", json.dumps(metrics, indent=1, ensure_ascii=False).encode())
    return metrics


def _evaluated(job: DataJob, scorers: Sequence[Scorer], store: Store) -> tuple[dict[str, Any], pa.Table, list[Rejected]]:
    if not job.pairs:
        return _answers(job, scorers)
    return _choices(job, scorers, store) if holds_lists(job.data, job.columns) else _pairs(job, scorers, store)


def _answers(job: DataJob, scorers: Sequence[Scorer]) -> tuple[dict[str, Any], pa.Table, list[Rejected]]:
    answers, rejects = read_answers(job.data, job.columns, job.limit)
    questions = [Question(answer.instruction, answer.response, answer.reference) for answer in answers]
    columns = [score(scorer, questions) for scorer in scorers]
    return answer_metrics(answers, columns, job.resampling, job.good), _answer_rows(answers, columns), rejects


def _pairs(job: DataJob, scorers: Sequence[Scorer], store: Store) -> tuple[dict[str, Any], pa.Table, list[Rejected]]:
    pairs, rejects = read_pairs(job.data, job.columns, job.limit)
    questions = questions_of(pairs)
    scored = [halves(score(scorer, questions)) for scorer in scorers]
    if job.rewardbench:
        export(store, job.rewardbench, pairs, scored)
    return pair_metrics(pairs, scored, job.resampling), _pair_rows(pairs, scored), rejects


def _choices(job: DataJob, scorers: Sequence[Scorer], store: Store) -> tuple[dict[str, Any], pa.Table, list[Rejected]]:
    choices, rejects = read_choices(job.data, job.columns, job.limit)
    questions = questions_of_choices(choices)
    scored = [by_choice(choices, score(scorer, questions)) for scorer in scorers]
    if job.rewardbench:
        export_choices(store, job.rewardbench, choices, scored)
    return choice_metrics(choices, scored, job.resampling), _choice_rows(choices, scored), rejects


def _choice_rows(choices: Sequence[Choice], scored: Sequence[ChoiceScores]) -> pa.Table:
    rows = place_columns([choice.place for choice in choices], [choice.instruction for choice in choices])
    rows["right"] = pa.array([choice.right for choice in choices], pa.int64())
    for item in scored:
        values = [[value if value == value else None for value in scores.tolist()] for scores in item.scores]
        rows[f"{item.scorer.name}_scores"] = pa.array(values, pa.list_(pa.float64()))
    return pa.table(rows)


def _answer_rows(answers: Sequence[Answer], columns: Sequence[ScoredColumn]) -> pa.Table:
    rows = place_columns([answer.place for answer in answers], [answer.instruction for answer in answers])
    rows["characters"] = pa.array([len(answer.response) for answer in answers], pa.int64())
    rows["gold"] = pa.array(gold_of(answers))
    for column in columns:
        rows |= score_columns(column.scorer.name, column.scores)
    return pa.table(rows)


def _pair_rows(pairs: Sequence[Pair], scored: Sequence[PairScores]) -> pa.Table:
    rows = place_columns([pair.place for pair in pairs], [pair.instruction for pair in pairs])
    rows["verdict"] = pa.array(majorities(pairs).astype("int64"))
    for item in scored:
        for side, column in (("a", item.first), ("b", item.second)):
            rows |= score_columns(f"{column.scorer.name}_{side}", column.scores)
    return pa.table(rows)
