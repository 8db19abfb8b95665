"""Held-out responses → `judged_by_NAME`: judges from outside the run, asked about the same answers as the run's own.

One that sees the reference has a second table, `judged_by_NAME_plus_cosine`: its score and the similarity, combined as the score
step combines self-evaluation and similarity. It has not seen the train split, so the combination is fitted on the held-out
answers themselves, of which it takes the two signals and no gold.
"""

import dataclasses
from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfj.config import EngineSettings, OutsideJudgeSettings, Settings, as_dict, located
from selfj.errors import DataError
from selfj.evaluate.judging import held_out, judged_rows
from selfj.evaluate.methods import outside_table, plus_cosine
from selfj.parts import MadePart, Pool, Table, make_table
from selfj.raters import content_of, judge_pool, load_judge
from selfj.records import Judged, to_table
from selfj.run import RunFolder
from selfj.score.combine import Combination, Signals
from selfj.score.step import combined_with
from selfj.store import Store
from selfj.tables import Fingerprint, Manifest

_TITLES = ("name", "title", "paper")
"""Settings of a judge that its scores do not depend on."""


def ask_outside(run: RunFolder, settings: Settings) -> list[Manifest]:
    """Make a table for each judge of `evaluate.judges`, and a second one for each that sees the reference."""
    judges = located(settings).evaluate.judges
    asked = [_ask(run, settings, judge) for judge in judges]
    return [*asked, *(_combine(run, settings, judge) for judge in judges if judge.with_reference)]


def asked_with(judge: OutsideJudgeSettings) -> dict[str, object]:
    """The settings that a judge's scores depend on."""
    return {name: value for name, value in as_dict(judge, resources=False).items() if name not in _TITLES}


def _ask(run: RunFolder, settings: Settings, judge: OutsideJudgeSettings) -> Manifest:
    inputs = {"responses": run.upstream("responses", "evaluate").fingerprint.digest, "judge": content_of(judge)}
    table = Table(outside_table(judge.name), "evaluate", Fingerprint(asked_with(judge), inputs), run.table("responses").parts())
    cache = Store(judge.cache).address if judge.cache else run.path(f"cache/{judge.name}")
    maker = partial(OutsideMaker, dataclasses.replace(judge, cache=cache), settings.engine, settings.seed)
    return make_table(run, table, maker, judge_pool(judge, settings.engine))


class OutsideMaker:
    """Asks one judge about one part of the held-out responses."""

    def __init__(self, judge: OutsideJudgeSettings, engine: EngineSettings, seed: int) -> None:
        self.judge = judge
        self.rater = load_judge(judge, engine, seed)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per response."""
        judge = self.judge
        rows = judged_rows(self.rater.rate, held_out(run, part), judge.name, judge.with_reference)
        return MadePart(to_table(Judged, rows), [], rows_in=len(rows))


def _combine(run: RunFolder, settings: Settings, judge: OutsideJudgeSettings) -> Manifest:
    names = (outside_table(judge.name), "similarities")
    inputs = {name: run.upstream(name, "evaluate").fingerprint.digest for name in names}
    parts = run.table(names[0]).parts()
    table = Table(outside_table(plus_cosine(judge.name)), "evaluate", Fingerprint(combined_with(settings), inputs), parts)
    return make_table(run, table, partial(CombinedMaker, run.address, judge.name, settings), Pool())


class CombinedMaker:
    """Combines the scores of one judge with the similarity."""

    def __init__(self, address: str, judge: str, settings: Settings) -> None:
        self.judge = judge
        signals = HeldOutSignals(RunFolder(address), outside_table(judge))
        try:
            self.combination = Combination.fit(settings.score, signals)
        except DataError:  # no answer has both: each has its reason
            self.combination = Combination(settings.score)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per response that the judge was asked about; its score is a quality from 0 to 1."""
        judged, similar = _side_by_side(run, outside_table(self.judge), part)
        quality = self.combination.quality(_signals(judged, similar))
        reasons = pc.coalesce(judged["reason"], similar["reason"]).to_pylist()
        name = plus_cosine(self.judge)
        rows = [
            Judged(key, name, True, float(value), None, None, None)
            if np.isfinite(value)
            else Judged(key, name, True, None, None, None, reason or "no similarity")
            for key, value, reason in zip(judged["response_id"].to_pylist(), quality, reasons, strict=True)
        ]
        return MadePart(to_table(Judged, rows), [], rows_in=len(rows))


class HeldOutSignals:
    """A judge's scores and the similarities of the held-out answers, one part at a time."""

    def __init__(self, run: RunFolder, table: str) -> None:
        self.run, self.table = run, table

    def each(self) -> Iterator[Signals]:
        """The parts, from the beginning."""
        for part in self.run.table(self.table).parts():
            yield _signals(*_side_by_side(self.run, self.table, part))


def _side_by_side(run: RunFolder, table: str, part: int) -> tuple[pa.Table, pa.Table]:
    """A judge's rows of one part, and the similarities of the same answers."""
    judged = run.table(table).read(part, ["response_id", "score", "reason"])
    similar = run.table("similarities").read(part, ["response_id", "similarity", "reason"])
    found = pc.index_in(judged["response_id"], value_set=similar["response_id"].combine_chunks())
    return judged, similar.take(found)


def _signals(judged: pa.Table, similar: pa.Table) -> Signals:
    columns = (judged["score"], similar["similarity"])
    score, similarity = (np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64) for column in columns)
    return Signals(score, similarity)
