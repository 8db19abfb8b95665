"""What a finished run tells a comparison: its predictions of the test split, and a few numbers of its metrics.json."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.errors import DataError
from selfj.evaluate.metrics.measures import Scale, good_threshold, scale_of
from selfj.evaluate.metrics.weighted import Floats
from selfj.evaluate.predictions import PREDICTIONS, PredictedBy, Predictions
from selfj.run import RunFolder

METRICS_JSON = "report/metrics.json"


@dataclass
class Result:
    """One policy's answers of the test split in one run."""

    run: str
    """Name of the run's folder."""
    policy: str
    seed: int
    methods: list[PredictedBy]
    gold_source: str
    response_ids: NDArray[np.object_]
    instruction_ids: NDArray[np.object_]
    categories: NDArray[np.object_]
    families: NDArray[np.object_]
    lengths: NDArray[np.int64]
    """(rows, 2) tokens and characters of each answer."""
    gold: Floats
    """(rows,) NaN where there is none."""
    scores: dict[str, Floats]
    """(rows,) by method and for the task mean; NaN where unscored."""
    good: float | None
    """Gold at or above this counts as good (AUROC); None where gold does not vary."""
    named_scale: Scale | None = None
    """Gold of the worst and of the best answer, where the run's settings name it."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """The policy's part of metrics.json; empty if there is none."""
    seconds: float | None = None
    """Working time of all steps, variants included; None where unknown."""

    def __len__(self) -> int:
        return len(self.response_ids)

    @property
    def scale(self) -> Scale:
        """What the losses of the run's own report are on."""
        return self.named_scale or scale_of(self.gold[np.isfinite(self.gold)])

    def rows(self, *methods: str) -> NDArray[np.bool_]:
        """(rows,) with gold and a score of every one of `methods`."""
        absent = np.full(len(self), np.nan)
        columns = [self.gold, *(self.scores.get(name, absent) for name in methods)]
        return np.isfinite(np.stack(columns)).all(axis=0)

    def take(self, rows: NDArray[Any]) -> "Result":
        """The same with only `rows` (numbers or a mask), in that order."""
        names = ("response_ids", "instruction_ids", "categories", "families", "lengths", "gold")
        scores = {name: values[rows] for name, values in self.scores.items()}
        return replace(self, scores=scores, **{name: getattr(self, name)[rows] for name in names})


def common_scale(results: Sequence[Result]) -> Scale:
    """One scale for the gold of several runs, so that their losses can be compared: what their settings name, and where they
    name none, 0 to 1 or else the lowest to the highest gold of all of these runs.
    """
    unnamed = [result.gold[np.isfinite(result.gold)] for result in results if result.named_scale is None]
    named = [result.named_scale for result in results if result.named_scale is not None]
    scales = [*named, *([scale_of(np.concatenate(unnamed))] if unnamed else [])]
    return min(low for low, _ in scales), max(high for _, high in scales)


def read_results(address: str) -> list[Result]:
    """Every policy of a finished run, by name.

    Raises DataError if the run has no predictions table, or none of its answers is in the test split.
    """
    run = RunFolder(address)
    test = Predictions.read(run.address).of("test")
    if not len(test):
        raise DataError(f"{run.path(PREDICTIONS)}: no answer of the test split; raise collect.test_fraction")
    metrics = json.loads(run.store.read(METRICS_JSON)) if run.store.exists(METRICS_JSON) else {}
    name = run.address.rstrip("/").rsplit("/", 1)[-1]
    return [_result(name, policy, test.of("test", policy), metrics) for policy in sorted(set(test.policy))]


def _result(run: str, policy: str, rows: Predictions, metrics: dict[str, Any]) -> Result:
    own = metrics.get("policies", {}).get(policy, {})
    known = rows.gold[np.isfinite(rows.gold)]
    made = [*metrics.get("steps", {}).values(), *metrics.get("variants", {}).values()]
    seconds = [entry["seconds"] for entry in made if entry.get("seconds") is not None]
    return Result(
        run=run,
        policy=policy,
        seed=rows.seed,
        methods=rows.methods,
        gold_source=rows.gold_source,
        response_ids=rows.response_id,
        instruction_ids=rows.instruction_id,
        categories=rows.category,
        families=rows.family,
        lengths=np.column_stack([rows.tokens, rows.characters]),
        gold=rows.gold,
        scores=rows.scores,
        good=own["good"] if own.get("good") is not None else (good_threshold(known) if len(known) else None),
        named_scale=rows.gold_scale,
        metrics=own,
        seconds=sum(seconds) if seconds else None,
    )
