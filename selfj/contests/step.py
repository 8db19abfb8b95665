"""The tournament job: who takes part (`contests`), who has won (`winners`), and what it comes to (`tournament.json`)."""

import json
import math
from collections.abc import Iterator, Sequence
from functools import partial

from selfj.config import EngineSettings, EvaluateSettings, as_dict
from selfj.contests.reading import STEP, contests_of_run, contests_of_table
from selfj.contests.rows import CONTESTS, WINNERS, Contest, Winner, winner_of
from selfj.contests.settings import TournamentSettings
from selfj.contests.summary import Grades, Played
from selfj.evaluate.gold import Answers, GoldSource, gold_source
from selfj.parts import MadePart, Table, make_table
from selfj.records import from_table, to_table
from selfj.run import RunFolder
from selfj.selfjudge.judges import (
    PairJudgeSettings,
    load_pair_judge,
    located_judge,
    pair_judge_made_with,
    pair_judge_pool,
)
from selfj.selfjudge.pairs import PairJudge
from selfj.selfjudge.tournament import tournament
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest

RESULT = "tournament.json"
_READ = ("path", "run", "tables", "splits", "instruction", "responses", "response", "rows", "most", "rows_per_part")


def run_tournament(settings: TournamentSettings) -> str:
    """Hold all tournaments; returns the address of `tournament.json`. What is finished is kept. Needs a Ray cluster.

    Raises SelfJError, in one line, for a table or judge that cannot be used.
    """
    run, gold = RunFolder(settings.folder), gold_source(EvaluateSettings(gold=settings.gold))
    run.check_writable()
    contests = _write_contests(run, settings)
    judged_with, files = pair_judge_made_with(settings.judge)
    fingerprint = Fingerprint({"judge": judged_with, "seed": settings.seed}, {CONTESTS: contests.fingerprint.digest, **files})
    table = Table(WINNERS, STEP, fingerprint, run.table(CONTESTS).parts(), contests.rows_out)
    maker = partial(TournamentMaker, located_judge(settings.judge), settings.engine, settings.seed)
    make_table(run, table, maker, pair_judge_pool(settings.judge, settings.engine))
    summary = {"gold": settings.gold, **played(run, gold).as_dict(settings.bootstrap, settings.seed)}
    run.store.write(RESULT, json.dumps(summary, indent=1).encode())
    return run.path(RESULT)


def _write_contests(run: RunFolder, settings: TournamentSettings) -> Manifest:
    """The table `contests`; a finished one is kept."""
    source = RunFolder(settings.run) if settings.run else None
    plain = as_dict(settings, resources=False)
    fingerprint = Fingerprint({name: plain[name] for name in _READ if name not in ("path", "run")}, _inputs(source, settings))
    table = run.table(CONTESTS)
    manifest = table.begin(fingerprint, STEP)
    if manifest.finished:
        return manifest
    for number, part in enumerate(contests_of_run(source, settings) if source else contests_of_table(settings)):
        table.write(number, to_table(Contest, part.contests), part.rejects, part.rows_in)
    return table.finish(manifest)


def _inputs(source: RunFolder | None, settings: TournamentSettings) -> dict[str, str]:
    if source is None:
        return {"path": content_hash(settings.path)}
    found = {name: source.table(name).manifest() for name in ("instructions", *settings.tables)}
    return {name: manifest.fingerprint.digest for name, manifest in found.items() if manifest is not None and manifest.finished}


class TournamentMaker:
    """Holds the tournaments of one part: all matches of a round in one call of the judge."""

    def __init__(self, judge: PairJudgeSettings, engine: EngineSettings, seed: int) -> None:
        self.judge: PairJudge = load_pair_judge(judge, engine, seed)
        self.seed = seed

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per contest."""
        contests: list[Contest] = from_table(Contest, run.table(CONTESTS).read(part))
        asked, answers = [contest.instruction for contest in contests], [contest.responses for contest in contests]
        brackets = tournament(asked, answers, self.judge, self.seed)
        rows = [winner_of(contest, bracket) for contest, bracket in zip(contests, brackets, strict=True)]
        return MadePart(to_table(Winner, rows), [], rows_in=len(contests))


def played(run: RunFolder, gold: GoldSource | None) -> Played:
    """What all tournaments of a finished job come to, part by part."""
    counted = Played()
    for part in run.table(WINNERS).parts():
        contests = from_table(Contest, run.table(CONTESTS).read(part))
        grades: Sequence[Grades | None] = [None] * len(contests) if gold is None else list(_grades(contests, gold))
        for winner, known in zip(from_table(Winner, run.table(WINNERS).read(part)), grades, strict=True):
            counted.add(winner, known)
    return counted


def _grades(contests: Sequence[Contest], gold: GoldSource) -> Iterator[Grades]:
    """Of each contest's responses; None where one could not be graded."""
    rows = [(key, one.metadata, text) for one in contests for key, text in zip(one.response_ids, one.responses, strict=True)]
    columns = zip(*rows, strict=True) if rows else ([], [], [])
    values = iter(gold.gold(Answers(*map(list, columns))).values.tolist())
    for contest in contests:
        found = [next(values) for _ in contest.responses]
        yield [value if math.isfinite(value) else None for value in found]
