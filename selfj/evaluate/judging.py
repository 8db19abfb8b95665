"""Held-out responses → judged: the judge with and without the reference, the policy's own rating without it, and variants."""

from collections.abc import Callable, Sequence
from functools import partial

from selfj.config import Settings, as_dict, located
from selfj.engine import Engine, content_of_model, engine_pool
from selfj.parts import MadePart, Table, make_table
from selfj.raters.trained import load_judge_rater
from selfj.rating import Question, Rater, Rating
from selfj.records import Instruction, Judged, Response, from_table, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest
from selfj.variants import variant_folder

JUDGED_SPLITS = ("test", "calibration")
"""Test rows are what the report is about; calibration rows are what thresholds are chosen on."""
JUDGE, JUDGE_REFERENCE = "judge", "judge_reference"
Pair = tuple[Instruction, Response]


def judge_responses(run: RunFolder, settings: Settings) -> list[Manifest]:
    """Make `judged` (methods judge and judge_reference), `judged_by_policy` (self_eval), and `judged` of each variant (judge)."""
    variants = (_judge(variant_folder(run, settings, name), settings, (JUDGE,)) for name in settings.variants)
    return [_judge(run, settings, (JUDGE, JUDGE_REFERENCE)), _ask_policy(run, settings), *variants]


def _judge(run: RunFolder, settings: Settings, methods: Sequence[str]) -> Manifest:
    responses, judge = run.upstream("responses", "evaluate"), run.upstream("judge", "evaluate")
    inputs = {"responses": responses.fingerprint.digest, "judge": judge.fingerprint.digest}
    table = Table("judged", "evaluate", Fingerprint({}, inputs), run.table("responses").parts())
    maker = partial(JudgeMaker, run.path("judge"), located(settings), methods)
    return make_table(run, table, maker, engine_pool(settings.engine))


def _ask_policy(run: RunFolder, settings: Settings) -> Manifest:
    responses = run.upstream("responses", "evaluate")
    inputs = {"responses": responses.fingerprint.digest, **content_of_model(settings.policy)}
    chosen = {"prompts": settings.prompts, "policy": as_dict(settings.policy, resources=False)}
    table = Table("judged_by_policy", "evaluate", Fingerprint(chosen, inputs), run.table("responses").parts())
    return make_table(run, table, partial(PolicyRatingMaker, located(settings)), engine_pool(settings.engine))


def held_out(run: RunFolder, part: int) -> list[Pair]:
    """Responses of one part to instructions of the splits that are judged, each beside its instruction."""
    return beside_instructions(run, part, "responses", JUDGED_SPLITS)


def beside_instructions(run: RunFolder, part: int, table: str, splits: Sequence[str]) -> list[Pair]:
    """Responses of one part of a table to instructions of some splits, each beside its instruction."""
    rows = from_table(Instruction, run.table("instructions").read(part))
    instructions = {row.instruction_id: row for row in rows if row.split in splits}
    responses = from_table(Response, run.table(table).read(part))
    return [(instructions[row.instruction_id], row) for row in responses if row.instruction_id in instructions]


def questions_of(pairs: Sequence[Pair], with_reference: bool) -> list[Question]:
    """What a judge is asked about each answer."""
    return [
        Question(instruction.instruction, response.response, instruction.reference if with_reference else None)
        for instruction, response in pairs
    ]


def judged_rows(
    rate: Callable[[list[Question]], Sequence[Rating]], pairs: Sequence[Pair], method: str, with_reference: bool
) -> list[Judged]:
    """Ratings of responses by one judge, in one way of asking."""
    ratings = rate(questions_of(pairs, with_reference))
    return [
        _row(response.response_id, method, with_reference, rating) for (_, response), rating in zip(pairs, ratings, strict=True)
    ]


def _row(key: str, method: str, with_reference: bool, rating: Rating) -> Judged:
    return Judged(key, method, with_reference, rating.score, rating.probabilities, rating.digit_mass, rating.reason)


class JudgeMaker:
    """Scores one part of some responses (by default those held out) with a trained judge, in each of the ways it is asked."""

    def __init__(
        self,
        folder: str,
        settings: Settings,
        methods: Sequence[str] = (JUDGE, JUDGE_REFERENCE),
        pairs: Callable[[RunFolder, int], list[Pair]] = held_out,
    ) -> None:
        how = settings.policy
        self.rater = load_judge_rater(folder, settings.engine, dtype=how.dtype, context=how.context, seed=settings.seed)
        self.methods = methods
        self.pairs = pairs

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per response and way of asking: all without the reference first."""
        pairs = self.pairs(run, part)
        rows = [row for method in self.methods for row in judged_rows(self.rater.rate, pairs, method, method == JUDGE_REFERENCE)]
        return MadePart(to_table(Judged, rows), [], rows_in=len(rows))


class PolicyRatingMaker:
    """The policy's own rating without a reference: a baseline that needs no training."""

    def __init__(self, settings: Settings) -> None:
        self.rater = Rater(Engine(settings.policy, settings.engine, seed=settings.seed), settings.prompts)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per response."""
        rows = judged_rows(self.rater.rate, held_out(run, part), "self_eval", False)
        return MadePart(to_table(Judged, rows), [], rows_in=len(rows))
