"""The score step: two tables of signals, each made by its own pool of workers, then their combination."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from selfj.config import ScoreSettings, Settings, as_dict, located
from selfj.engine import content_of_model, engine_pool
from selfj.parts import MadePart, Pool, Table, make_table
from selfj.records import Scored, schema
from selfj.run import RunFolder
from selfj.score.combine import Combination, Signals
from selfj.score.self_evaluation import SelfEvaluationMaker
from selfj.score.similarity import SimilarityMaker, embedding_folder, similarity_environment
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest


def score(run: RunFolder, settings: Settings) -> Manifest:
    """Make the tables `self_evaluations`, `similarities` and `scored`."""
    run.upstream("responses", "score")
    signals = {"self_evaluations": _self_evaluate(run, settings), "similarities": _compare(run, settings)}
    inputs = {name: manifest.fingerprint.digest for name, manifest in signals.items()}
    table = _table(run, "scored", Fingerprint(combined_with(settings), inputs))
    finished = run.table("scored").finished(table.fingerprint)
    if finished is not None:
        return finished
    combination = Combination.fit(settings.score, TrainingSignals(run))
    manifest = make_table(run, table, partial(CombinationMaker, combination), Pool(workers=2))
    manifest.details = combination.constants()
    run.table("scored").write_manifest(manifest)
    return manifest


def combined_with(settings: Settings) -> dict[str, Any]:
    """The settings that decide how two signals make a quality."""
    keep = {name: value for name, value in as_dict(settings.score, resources=False).items() if name != "embedding_model"}
    return {"score": keep}


def compared_with(settings: Settings) -> dict[str, Any]:
    """The settings that decide how alike two texts are."""
    return {"embedding_model": settings.score.embedding_model}


def _self_evaluate(run: RunFolder, settings: Settings) -> Manifest:
    upstream = run.upstream("responses", "score")
    inputs = {"responses": upstream.fingerprint.digest, **content_of_model(settings.policy)}
    chosen = {"prompts": settings.prompts, "policy": as_dict(settings.policy, resources=False)}
    table = _table(run, "self_evaluations", Fingerprint(chosen, inputs))
    return make_table(run, table, partial(SelfEvaluationMaker, located(settings)), engine_pool(settings.engine))


def _compare(run: RunFolder, settings: Settings) -> Manifest:
    how: ScoreSettings = settings.score
    upstream = run.upstream("responses", "score")
    inputs = {"responses": upstream.fingerprint.digest, "embedding_model": content_hash(embedding_folder(how.embedding_model))}
    table = _table(run, "similarities", Fingerprint(compared_with(settings), inputs))
    pool = Pool(how.embedding_workers, cpus=1, gpus=how.embedding_gpus, environment=similarity_environment())
    return make_table(run, table, partial(SimilarityMaker, located(settings).score), pool)


def _table(run: RunFolder, name: str, fingerprint: Fingerprint) -> Table:
    responses = run.table("responses")
    manifest = run.upstream("responses", "score")
    return Table(name, "score", fingerprint, responses.parts(), manifest.rows_out)


class TrainingSignals:
    """The signals of the train split, one part at a time."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run

    def each(self) -> Iterable[Signals]:
        """Signals of each part's answers to instructions of the train split."""
        for part in self.run.table("responses").parts():
            splits = self.run.table("instructions").read(part, ["instruction_id", "split"])
            train = {
                key for key, split in zip(*(column.to_pylist() for column in splits.columns), strict=True) if split == "train"
            }
            keys = self.run.table("responses").read(part, ["instruction_id"]).column(0).to_pylist()
            chosen = np.array([key in train for key in keys], dtype=bool)
            signals = read_signals(self.run, part)
            yield Signals(signals.self_evaluation[chosen], signals.similarity[chosen])


def read_signals(run: RunFolder, part: int) -> Signals:
    """Both signals of one part, in the order of its responses."""
    rated = run.table("self_evaluations").read(part, ["self_evaluation"]).column(0)
    compared = run.table("similarities").read(part, ["similarity"]).column(0)
    return Signals(_floats(rated), _floats(compared))


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return np.array(column.to_pandas(), dtype=np.float64)


class CombinationMaker:
    """Quality and label of one part of the responses."""

    def __init__(self, combination: Combination) -> None:
        self.combination = combination

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Scored rows of part `part`."""
        responses = run.table("responses").read(part, ["response_id", "instruction_id"])
        rated = run.table("self_evaluations").read(part, ["response_id", "self_evaluation", "reason"])
        compared = run.table("similarities").read(part, ["response_id", "similarity", "reason"])
        if not (responses.column("response_id") == rated.column("response_id") == compared.column("response_id")):
            raise AssertionError(f"part {part}: the rows of the three tables do not stand in the same order")
        quality = self.combination.quality(Signals(_floats(rated.column(1)), _floats(compared.column(1))))
        rows = pa.table(
            {
                "response_id": responses.column("response_id"),
                "instruction_id": responses.column("instruction_id"),
                "self_evaluation": rated.column("self_evaluation"),
                "similarity": compared.column("similarity"),
                "quality": pa.array(quality, from_pandas=True),
                "label": self._labels(quality),
                "reason": pa.array(_reasons(quality, rated.column("reason"), compared.column("reason")), pa.string()),
            },
            schema=schema(Scored),
        )
        return MadePart(rows, [], rows_in=responses.num_rows)

    def _labels(self, quality: np.ndarray) -> pa.Array:
        known = np.isfinite(quality)
        labels = np.zeros(quality.shape, dtype=np.int64)
        labels[known] = self.combination.label(quality[known])
        return pa.array(labels, mask=~known)


def _reasons(quality: np.ndarray, rated: pa.ChunkedArray, compared: pa.ChunkedArray) -> list[str | None]:
    found = zip(np.isfinite(quality), rated.to_pylist(), compared.to_pylist(), strict=True)
    return [None if known else "; ".join(reason for reason in reasons if reason) for known, *reasons in found]
