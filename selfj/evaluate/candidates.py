"""Further answers to test instructions: to see how much the policy agrees with itself (VRO), and to pick the best of N.

The table `candidates` has the answers that a larger `sample.responses_per_instruction` would have given, so that nothing is
sampled twice. Of them come `resample_similarities` and `judged_candidates`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from selfj.config import ScoreSettings, Settings, as_dict, located
from selfj.engine import content_of_model, engine_pool
from selfj.evaluate.judging import JUDGE, JudgeMaker, Pair, beside_instructions
from selfj.evaluate.methods import VRO_TABLE
from selfj.parts import MadePart, Pool, Table, make_table
from selfj.records import Instruction, Response, Similarity, stable_seed, to_table
from selfj.run import RunFolder
from selfj.sample import ResponseMaker
from selfj.score.similarity import Embedder, embedding_folder, similarity_environment
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest

CANDIDATES = "candidates"
JUDGED_CANDIDATES = "judged_candidates"


@dataclass(frozen=True)
class Drawing:
    """How many further answers each instruction gets."""

    first: int
    """Number of the first further answer: those before it are the run's responses."""
    resamples: int
    best_of: int
    limit: int
    """Highest hash of a test instruction that gets `best_of` answers."""

    def numbers(self, instruction: Instruction) -> range:
        """Numbers of its further answers."""
        if instruction.split != "test":
            return range(0)
        return range(self.first, self.first + max(self.resamples, self.best_of if self.chosen(instruction) else 0))

    def chosen(self, instruction: Instruction) -> bool:
        """Whether it is one of those that best-of-N is tried on."""
        return instruction.split == "test" and place_of(instruction.instruction_id) <= self.limit

    def is_resample(self, number: int) -> bool:
        """Whether an answer takes part in VRO."""
        return self.first <= number < self.first + self.resamples

    def is_candidate(self, number: int) -> bool:
        """Whether an answer takes part in best-of-N, given a chosen instruction."""
        return self.first <= number < self.first + self.best_of


def place_of(instruction_id: str) -> int:
    """Place of an instruction in the order by which some are chosen: a hash, so that fewer are a subset of more."""
    return stable_seed("best of n", instruction_id)


def number_of(response_id: str) -> int:
    """Sample number of an answer."""
    return int(response_id.rsplit("-", 1)[1])


def drawing_of(run: RunFolder, settings: Settings) -> Drawing:
    """What the settings ask for, on the test instructions that the run has."""
    how = settings.evaluate
    places = np.sort(np.array([place_of(key) for key in _test_instructions(run)], dtype=np.uint64))
    chosen = min(how.best_of_instructions, len(places)) if how.best_of else 0
    limit = int(places[chosen - 1]) if chosen else -1
    return Drawing(settings.sample.responses_per_instruction, how.resamples, how.best_of, limit)


def _test_instructions(run: RunFolder) -> Iterator[str]:
    table = run.table("instructions")
    for part in table.parts():
        keys, splits = (column.to_pylist() for column in table.read(part, ["instruction_id", "split"]).columns)
        yield from (key for key, split in zip(keys, splits, strict=True) if split == "test")


def make_candidates(run: RunFolder, settings: Settings) -> list[Manifest]:
    """Make `candidates` and what is derived from them, as far as `evaluate.resamples` and `evaluate.best_of` ask for it."""
    how = settings.evaluate
    if not (how.resamples or how.best_of):
        return []
    drawing = drawing_of(run, settings)
    made = [_sample(run, settings, drawing)]
    if how.resamples:
        made.append(_compare(run, settings, drawing))
    if how.best_of:
        made.append(_judge(run, settings, drawing))
    return made


def _sample(run: RunFolder, settings: Settings, drawing: Drawing) -> Manifest:
    upstream = run.upstream("instructions", "evaluate")
    how = settings.evaluate
    chosen = {
        "seed": settings.seed,
        "policy": as_dict(settings.policy, resources=False),
        "sample": as_dict(settings.sample, resources=False),
        "evaluate": {"resamples": how.resamples, "best_of": how.best_of, "best_of_instructions": how.best_of_instructions},
    }
    inputs = {"instructions": upstream.fingerprint.digest, **content_of_model(settings.policy)}
    table = Table(CANDIDATES, "evaluate", Fingerprint(chosen, inputs), run.table("instructions").parts())
    maker = partial(ResponseMaker, located(settings), drawing.numbers, "evaluate")
    return make_table(run, table, maker, engine_pool(settings.engine))


def _compare(run: RunFolder, settings: Settings, drawing: Drawing) -> Manifest:
    how = settings.score
    inputs = {
        **{name: run.upstream(name, "evaluate").fingerprint.digest for name in ("responses", CANDIDATES)},
        "embedding_model": content_hash(embedding_folder(how.embedding_model)),
    }
    fingerprint = Fingerprint({"resamples": drawing.resamples}, inputs)
    table = Table(VRO_TABLE, "evaluate", fingerprint, run.table("responses").parts())
    pool = Pool(how.embedding_workers, cpus=1, gpus=how.embedding_gpus, environment=similarity_environment())
    return make_table(run, table, partial(ResampleMaker, located(settings).score, drawing), pool)


def _judge(run: RunFolder, settings: Settings, drawing: Drawing) -> Manifest:
    names = (CANDIDATES, "judge")
    inputs = {name: run.upstream(name, "evaluate").fingerprint.digest for name in names}
    table = Table(JUDGED_CANDIDATES, "evaluate", Fingerprint({}, inputs), run.table(CANDIDATES).parts())
    maker = partial(JudgeMaker, run.path("judge"), located(settings), (JUDGE,), partial(best_of_candidates, drawing))
    return make_table(run, table, maker, engine_pool(settings.engine))


def best_of_candidates(drawing: Drawing, run: RunFolder, part: int) -> list[Pair]:
    """Candidates of one part that best-of-N picks from, each beside its instruction."""
    return [
        (instruction, response)
        for instruction, response in beside_instructions(run, part, CANDIDATES, ("test",))
        if drawing.chosen(instruction) and drawing.is_candidate(number_of(response.response_id))
    ]


class ResampleMaker:
    """VRO of one part of the test responses: mean similarity to the resampled answers to the same instruction (METHOD.md A)."""

    def __init__(self, settings: ScoreSettings, drawing: Drawing) -> None:
        self.drawing = drawing
        self.embedder = Embedder(settings.embedding_model, settings.embedding_batch)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per response to a test instruction."""
        resampled: dict[str, list[str]] = {}
        for instruction, response in beside_instructions(run, part, CANDIDATES, ("test",)):
            if self.drawing.is_resample(number_of(response.response_id)):
                resampled.setdefault(instruction.instruction_id, []).append(response.response)
        answers = [response for _, response in beside_instructions(run, part, "responses", ("test",))]
        rows = self._rows(answers, [resampled.get(answer.instruction_id, []) for answer in answers])
        return MadePart(to_table(Similarity, rows), [], rows_in=len(answers))

    def _rows(self, answers: list[Response], others: list[list[str]]) -> list[Similarity]:
        counts = np.array([len(texts) for texts in others], dtype=np.intp)
        if not counts.sum():
            return [_unknown(answer) for answer in answers]
        left = [answer.response for answer, texts in zip(answers, others, strict=True) for _ in texts]
        values = self.embedder.similarity(left, [text for texts in others for text in texts])
        owner = np.repeat(np.arange(len(answers)), counts)
        means = np.bincount(owner, weights=values, minlength=len(answers)) / np.maximum(counts, 1)
        return [
            Similarity(answer.response_id, float(mean), None) if count else _unknown(answer)
            for answer, mean, count in zip(answers, means, counts, strict=True)
        ]


def _unknown(answer: Response) -> Similarity:
    return Similarity(answer.response_id, None, "no further answer could be sampled to its instruction")
