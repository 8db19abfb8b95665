"""Verdicts on held-out pairs of which the better answer is known: the table `verdicts`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from selfj.config import EngineSettings
from selfj.parts import MadePart, Table, make_table
from selfj.records import from_table, stable_seed, to_table
from selfj.run import RunFolder
from selfj.selfjudge.judges import PairJudgeSettings, load_pair_judge, located_judge, pair_judge_made_with, pair_judge_pool
from selfj.selfjudge.measured.answers import STEP
from selfj.selfjudge.pairs import Pair, Verdict
from selfj.selfjudge.preferences.table import Preference
from selfj.tables import Fingerprint, Manifest

VERDICTS = "verdicts"
SPLITS = ("held_out", "test")
"""Of pairs that no training step has seen."""


@dataclass
class PairVerdict:
    """A judge's verdict on one pair."""

    pair_id: str
    instruction_id: str
    gap: float | None
    """By how much the preferred answer's score is the higher one; None if the source has no scores."""
    score_chosen: float | None
    """The judge's, 0 to 1."""
    score_rejected: float | None
    preferred: str | None
    """chosen or rejected; None for a tie, and where there is no verdict."""
    flips: bool | None
    """Whether the preferred answer changes with the order they are shown in."""
    reason: str | None
    """Why there is no verdict."""

    @property
    def right(self) -> bool:
        """Whether the verdict is that of the data; a tie is not."""
        return self.preferred == "chosen"


def held_out_pairs(run: RunFolder, most: int) -> dict[int, list[Preference]]:
    """Part of `preferences` → its pairs that are judged: the lowest hashes of SPLITS, `most` in all."""
    table = run.table("preferences")
    found = [(part, row) for part in table.parts() for row in from_table(Preference, table.read(part)) if row.split in SPLITS]
    found.sort(key=lambda item: stable_seed("verdict", item[1].pair_id))
    by_part: dict[int, list[Preference]] = {part: [] for part in table.parts()}
    for part, row in found[:most]:
        by_part[part].append(row)
    return by_part


def judge_held_out(run: RunFolder, judge: PairJudgeSettings, most: int, engine: EngineSettings, seed: int) -> Manifest:
    """Make the table `verdicts`; finished parts are kept. Needs a Ray cluster."""
    pairs = run.upstream("preferences", STEP)
    asked, files = pair_judge_made_with(judge)
    fingerprint = Fingerprint({"judge": asked, "most": most}, {"preferences": pairs.fingerprint.digest, **files})
    table = Table(VERDICTS, STEP, fingerprint, run.table("preferences").parts(), most)
    maker = partial(VerdictMaker, located_judge(judge), most, engine, seed)
    return make_table(run, table, maker, pair_judge_pool(judge, engine))


class VerdictMaker:
    """Judges the pairs of one part, all in one call."""

    def __init__(self, judge: PairJudgeSettings, most: int, engine: EngineSettings, seed: int) -> None:
        self.judge = load_pair_judge(judge, engine, seed)
        self.most = most
        self._pairs: dict[int, list[Preference]] | None = None

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per pair."""
        if self._pairs is None:
            self._pairs = held_out_pairs(run, self.most)
        rows = self._pairs[part]
        verdicts = self.judge.compare([Pair(row.instruction, row.chosen, row.rejected) for row in rows])
        made = [_row(row, verdict) for row, verdict in zip(rows, verdicts, strict=True)]
        return MadePart(to_table(PairVerdict, made), [], rows_in=len(rows))


def _row(pair: Preference, verdict: Verdict) -> PairVerdict:
    named = {"a": "chosen", "b": "rejected"}
    return PairVerdict(
        pair_id=pair.pair_id,
        instruction_id=pair.instruction_id,
        gap=pair.gap,
        score_chosen=verdict.score_a,
        score_rejected=verdict.score_b,
        preferred=None if verdict.preferred is None else named[verdict.preferred],
        flips=verdict.flips,
        reason=verdict.reason,
    )


def read_verdicts(run: RunFolder) -> Sequence[PairVerdict]:
    """All rows of the table."""
    return from_table(PairVerdict, run.table(VERDICTS).read_all())
