"""The methods that are compared: where each one's scores stand in the tables, in the order of the paper's table.

Some every run has (`METHODS`), some its settings add (`methods_of`): ablation judges, resampling, judges from outside. Every
method gives one score per answer, higher meaning better, on its own scale. A score that is not there is NaN with a reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfj.config import OutsideJudgeSettings, Settings
from selfj.evaluate.metrics.weighted import Floats
from selfj.run import variant_table

RATING = (0.0, 9.0)
"""Scale of ratings."""
TASK_MEAN = "task_mean"
"""The baseline that knows only which kind of task an answer belongs to."""


@dataclass
class Scores:
    """One method's scores of some answers."""

    values: Floats
    """(rows,) NaN where there is no score."""
    reasons: list[str | None]
    """(rows,) why there is no score; None where there is one."""


@dataclass
class PartTables:
    """One part of the tables that scores come from."""

    responses: pa.Table
    """The answers wanted, in the order wanted."""
    scored: pa.Table | None
    judged: pa.Table | None
    """Of the judge and of the policy (`judged` and `judged_by_policy`)."""
    others: dict[str, pa.Table] = field(default_factory=dict)
    """Tables that single methods name (`Method.table`), as far as they are there."""


@dataclass(frozen=True)
class Method:
    """One row of the paper's table."""

    name: str
    """In metrics.json."""
    title: str
    with_reference: bool
    """Whether it sees the gold reference answer."""
    paper: float | None
    """Pearson × 100 with GPT-4's scores that the paper reports, mean over its five policies (METHOD.md part A)."""
    read: Callable[[PartTables], Scores]
    """Its scores of one part's answers."""
    explanation: str
    table: str | None = None
    """Table that only this method reads."""
    scale: tuple[float, float] | None = None
    """Lowest and highest score, where they stand for the worst and the best answer; None if only the order says something."""
    outside: bool = False
    """Whether a judge from outside the run gives the score."""


def perplexity_scores(part: PartTables) -> Scores:
    """Minus the perplexity, -exp(-sum of logprobs / tokens): an answer the policy finds likely has a high score."""
    tokens = part.responses["tokens"].to_numpy().astype(np.float64)
    sums = _floats(part.responses["sum_logprob"])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        values = -np.exp(-sums / np.where(tokens > 0, tokens, np.nan))
    values = np.where(np.isfinite(values), values, np.nan)
    unknown = np.where(tokens > 0, "the engine gave no log probability", "the answer has no tokens")
    return Scores(values, [None if np.isfinite(value) else str(reason) for value, reason in zip(values, unknown, strict=True)])


def scored_column(column: str) -> Callable[[PartTables], Scores]:
    """Reader of a column of the table `scored`."""

    def read(part: PartTables) -> Scores:
        return _looked_up(part.responses, part.scored, column, "scored")

    return read


def judged_method(method: str) -> Callable[[PartTables], Scores]:
    """Reader of one method's scores in the table `judged`."""

    def read(part: PartTables) -> Scores:
        rows = None if part.judged is None else part.judged.filter(pc.field("method") == method)
        return _looked_up(part.responses, rows, "score", f"judged ({method})")

    return read


def column_of(table: str, column: str) -> Callable[[PartTables], Scores]:
    """Reader of a column of a table of the method's own."""

    def read(part: PartTables) -> Scores:
        return _looked_up(part.responses, part.others.get(table), column, table)

    return read


def _looked_up(responses: pa.Table, table: pa.Table | None, column: str, where: str) -> Scores:
    if table is None:
        return Scores(np.full(responses.num_rows, np.nan), [f"there is no table {where.split()[0]}"] * responses.num_rows)
    found = pc.index_in(responses["response_id"], value_set=table["response_id"].combine_chunks())
    values = _floats(table[column].take(found))
    given = table["reason"].take(found).to_pylist()
    there = found.is_valid().to_pylist()
    absent = f"the answer is not in the table {where}"
    stated = [(reason or "no reason given") if known else absent for reason, known in zip(given, there, strict=True)]
    return Scores(values, [None if np.isfinite(value) else reason for value, reason in zip(values, stated, strict=True)])


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


METHODS = (
    Method("cosine", "Cosine", True, 48.25, scored_column("similarity"), "Similarity of the embeddings of answer and reference."),
    Method(
        "self_eval_reference", "Self-eval", True, 47.85, scored_column("self_evaluation"), "The policy rates its own answer.",
        scale=RATING,
    ),
    Method(
        "self_eval_plus_cosine", "Self-eval + Cosine", True, 59.98, scored_column("quality"), "What the judge learns from.",
        scale=(0.0, 1.0),
    ),
    Method(
        "judge_reference", "Self-J", True, 70.34, judged_method("judge_reference"), "The trained judge, reference in view.",
        scale=RATING,
    ),
    Method("ppl", "PPL", False, 11.68, perplexity_scores, "Minus the perplexity of the answer under the policy."),
    Method(
        "self_eval", "Self-eval", False, 11.46, judged_method("self_eval"), "The policy rates its own answer.", scale=RATING
    ),
    Method(
        "judge", "Self-J", False, 58.65, judged_method("judge"), "The trained judge without a reference: what is served.",
        scale=RATING,
    ),
)  # fmt: skip
"""The methods that every run has, in the order of the paper's table."""

VRO_TABLE = "resample_similarities"
VRO = Method(
    "vro", "VRO", False, 41.12, column_of(VRO_TABLE, "similarity"),
    "Mean similarity of the answer to further answers that were sampled.", VRO_TABLE,
)  # fmt: skip

ABLATIONS = {
    "judge_cosine": ("Judge (Cosine labels only)", 47.40, "The judge, trained on labels from similarity alone."),
    "judge_self_eval": ("Judge (Self-eval labels only)", 45.29, "The judge, trained on labels from self-evaluation alone."),
    "judge_no_distillation": ("Self-J without self-distillation", 54.56, "The judge, trained without a teacher."),
}
"""Variants that the paper reports: title, Pearson × 100, explanation."""

IN_QUALITY = frozenset({"cosine", "self_eval_reference", "self_eval_plus_cosine"})
"""Methods that the label-free quality is made from: agreeing with it says nothing about them."""


def methods_of(settings: Settings) -> tuple[Method, ...]:
    """All rows of a run's table in the paper's order: the fixed ones and those that its settings ask for.

    With a reference first; judges from outside before what is trained; ablations and other variants before the judge.
    """
    fixed = {method.name: method for method in METHODS}
    outside = [_outside(judge) for judge in settings.evaluate.judges]
    first = ("cosine", "self_eval_reference", "self_eval_plus_cosine")
    return (
        *(fixed[name] for name in first),
        *(method for method in outside if method.with_reference),
        *(_plus_cosine(judge) for judge in settings.evaluate.judges if judge.with_reference),
        fixed["judge_reference"],
        fixed["ppl"],
        *([VRO] if settings.evaluate.resamples else []),
        fixed["self_eval"],
        *(method for method in outside if not method.with_reference),
        *(_variant(name, settings) for name in _in_paper_order(settings.variants)),
        fixed["judge"],
    )


def _in_paper_order(names: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name in ABLATIONS if name in names] + [name for name in names if name not in ABLATIONS]


def _variant(name: str, settings: Settings) -> Method:
    changes = ", ".join(f"{setting} = {value}" for setting, value in settings.variants[name].items())
    title, paper, explanation = ABLATIONS.get(name, (name, None, "The judge, trained with other settings."))
    table = variant_table(name, "judged")
    return Method(name, title, False, paper, column_of(table, "score"), f"{explanation} ({changes})", table, scale=RATING)


def outside_table(name: str) -> str:
    """Table with the scores of a judge from outside."""
    return f"judged_by_{name}"


def _outside(judge: OutsideJudgeSettings) -> Method:
    kinds = {"openai": "a language model as judge", "reward_model": "a reward model", "selfj": "the judge of another run"}
    explanation = f"{judge.model}: {kinds[judge.kind]}."
    table, scale = outside_table(judge.name), None if judge.kind == "reward_model" else RATING
    read = column_of(table, "score")
    return Method(judge.name, judge.title or judge.name, judge.with_reference, judge.paper, read, explanation, table, scale, True)


def plus_cosine(name: str) -> str:
    """Name of the method that combines a judge's score with the similarity."""
    return f"{name}_plus_cosine"


_PAPER_PLUS_COSINE = {70.42: 73.09}
"""What the paper reports for a judge that saw the reference (GPT-3.5-turbo): alone, and with cosine."""


def _plus_cosine(judge: OutsideJudgeSettings) -> Method:
    title, table = f"{judge.title or judge.name} + Cosine", outside_table(plus_cosine(judge.name))
    paper = None if judge.paper is None else _PAPER_PLUS_COSINE.get(judge.paper)
    explanation = f"{judge.model} and similarity, combined as self-evaluation and similarity are for the labels."
    read = column_of(table, "score")
    return Method(plus_cosine(judge.name), title, True, paper, read, explanation, table, (0.0, 1.0), True)
