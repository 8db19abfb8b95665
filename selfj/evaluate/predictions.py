"""The predictions table of a run: every held-out answer with its gold and every method's score, in one Parquet file.

What tables over many runs, calibration and comparisons start from; it can be read without the rest of the run.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from selfj.config import Settings
from selfj.errors import DataError
from selfj.evaluate.gold import gold_scale, gold_source
from selfj.evaluate.methods import TASK_MEAN, Method
from selfj.evaluate.metrics.measures import Scale, loss_in_words, scale_of
from selfj.evaluate.metrics.weighted import Floats
from selfj.evaluate.rows import HeldOut
from selfj.run import RunFolder

PREDICTIONS = "report/predictions.parquet"
_META = b"selfj"
_TEXTS = ("policy", "split", "response_id", "instruction_id", "category", "family", "gold_reason")
_COUNTS = ("tokens", "characters")
_NUMBERS = ("gold", "quality")


@dataclass(frozen=True)
class PredictedBy:
    """One method's row of the paper's table."""

    name: str
    title: str
    with_reference: bool
    paper: float | None
    """Pearson × 100 in the paper."""
    scale: tuple[float, float] | None = None
    """Scores of the worst and of the best answer, where they stand for that."""
    outside: bool = False
    """Whether a judge from outside the run gives the score."""

    @classmethod
    def of(cls, method: Method) -> "PredictedBy":
        """What a reader of the table needs to know of a method."""
        return cls(method.name, method.title, method.with_reference, method.paper, method.scale, method.outside)


@dataclass(frozen=True)
class Predictions:
    """Columns of the predictions table, (rows,) each; NaN where a number is null."""

    methods: list[PredictedBy]
    """In the order of the paper's table."""
    gold_source: str
    """Where the gold comes from; `none` without."""
    seed: int
    loss: str
    """How a loss from 0 to 1 follows from gold, in words; empty without gold."""
    gold_scale: Scale | None
    """Gold of the worst and of the best answer, where the settings name it."""
    policy: NDArray[np.object_]
    split: NDArray[np.object_]
    """test or calibration."""
    response_id: NDArray[np.object_]
    instruction_id: NDArray[np.object_]
    category: NDArray[np.object_]
    family: NDArray[np.object_]
    tokens: NDArray[np.int64]
    characters: NDArray[np.int64]
    gold: Floats
    gold_reason: NDArray[np.object_]
    """Why there is no gold; None where there is."""
    quality: Floats
    """Label-free quality, 0 to 1."""
    scores: dict[str, Floats]
    """By method, and `task_mean`."""

    def __len__(self) -> int:
        return len(self.response_id)

    def of(self, split: str, policy: str | None = None) -> "Predictions":
        """The rows of one split, of one policy if one is named."""
        return self.rows((self.split == split) & (np.ones(len(self), bool) if policy is None else self.policy == policy))

    def rows(self, chosen: NDArray[np.bool_]) -> "Predictions":
        """Some of the rows."""
        columns = {name: getattr(self, name)[chosen] for name in (*_TEXTS, *_COUNTS, *_NUMBERS)}
        return replace(self, scores={name: values[chosen] for name, values in self.scores.items()}, **columns)

    @property
    def instructions(self) -> NDArray[np.intp]:
        """(rows,) number of the row's instruction, from 0, as the bootstrap wants it."""
        return np.unique(self.instruction_id.astype(str), return_inverse=True)[1]

    @classmethod
    def read(cls, run_address: str) -> "Predictions":
        """The table of the run in a folder (or of a file with that content).

        Raises DataError, in one line, if it is not there or is another kind of file.
        """
        path = run_address if run_address.endswith(".parquet") else f"{run_address.rstrip('/')}/{PREDICTIONS}"
        try:
            with fsspec.open(path, "rb") as file:
                table = pq.read_table(io.BytesIO(file.read()))
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or " ".join(str(problem).split())
            raise DataError(f"{path}: cannot be read ({why}); run the report step (ray_jobs/evaluate.py) first") from None
        return _from_table(table, path)


def write_predictions(run: RunFolder, held_out: Sequence[HeldOut], methods: Sequence[Method], settings: Settings) -> str:
    """Write the table of a run, from its rows of both splits; returns its address."""
    tables = [_table(rows, methods) for rows in held_out]
    merged = pa.concat_tables(tables).replace_schema_metadata({_META: json.dumps(_meta(held_out, methods, settings)).encode()})
    buffer = io.BytesIO()
    pq.write_table(merged, buffer, compression="zstd")
    run.store.write(PREDICTIONS, buffer.getvalue())
    return run.path(PREDICTIONS)


def _meta(held_out: Sequence[HeldOut], methods: Sequence[Method], settings: Settings) -> dict[str, object]:
    source, scale = gold_source(settings.evaluate), gold_scale(settings.evaluate)
    known = np.concatenate([rows.gold[rows.has_gold] for rows in held_out if rows.split == "test"])
    return {
        "methods": [asdict(PredictedBy.of(method)) for method in methods],
        "gold": source.description if source else "none",
        "seed": settings.seed,
        "loss": loss_in_words(scale or scale_of(known)) if len(known) else "",
        "gold_scale": scale,
    }


def _table(rows: HeldOut, methods: Sequence[Method]) -> pa.Table:
    columns: dict[str, pa.Array] = {
        "policy": pa.array([rows.policy] * len(rows), pa.string()),
        "split": pa.array([rows.split] * len(rows), pa.string()),
        "response_id": pa.array(rows.response_ids, pa.string()),
        "instruction_id": pa.array(rows.instruction_ids, pa.string()),
        "category": pa.array(rows.categories.tolist(), pa.string()),
        "family": pa.array(rows.families.tolist(), pa.string()),
        "tokens": pa.array(rows.tokens, pa.int64()),
        "characters": pa.array(rows.characters, pa.int64()),
        "gold": _nullable(rows.gold),
        "gold_reason": pa.array(rows.gold_reasons, pa.string()),
        "quality": _nullable(rows.quality),
    }
    scores = {method.name: rows.scores[method.name].values for method in methods} | {TASK_MEAN: rows.task_mean().values}
    return pa.table(columns | {name: _nullable(values) for name, values in scores.items()})


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)


def _from_table(table: pa.Table, path: str) -> Predictions:
    meta = json.loads((table.schema.metadata or {}).get(_META, b"null"))
    if meta is None:
        raise DataError(f"{path}: no predictions table of selfj (its metadata has no `selfj`); make it with the report step")
    methods = [_predicted_by(method) for method in meta["methods"]]
    columns: dict[str, Any] = {name: np.array(table[name].to_pylist(), dtype=object) for name in _TEXTS}
    columns |= {name: table[name].to_numpy() for name in _COUNTS}
    columns |= {name: _floats(table[name]) for name in _NUMBERS}
    scores = {name: _floats(table[name]) for name in [*(method.name for method in methods), TASK_MEAN]}
    scale = tuple(meta["gold_scale"]) if meta.get("gold_scale") else None
    return Predictions(methods, meta["gold"], meta["seed"], meta["loss"], scale, **columns, scores=scores)


def _predicted_by(values: dict[str, Any]) -> PredictedBy:
    known = {item.name for item in fields(PredictedBy)}
    method = PredictedBy(**{name: value for name, value in values.items() if name in known})
    return replace(method, scale=(method.scale[0], method.scale[1])) if method.scale else method


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
