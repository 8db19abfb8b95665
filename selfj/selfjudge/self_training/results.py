"""`RUN/self_training/ARM/self_training.json`: what a self-training run came to.

{format, arm, mode, judge, loss, beta, seed, start, adapter, status: finished | stopped, reason, steps, precision, seconds,
 training_seconds, rows_rejected, settings,
 pairs: PairFigures of all pairs together,
 rounds: [{round, step, learning_rate, loss, accuracy, margin, log_ratio, kl, and PairFigures of its own pairs}],
 probes: [{round, step, kl, and ProbeFigures}], the first being the start, the last the finished policy}

`accuracy` and `margin` are of the implicit reward β·log(policy / start) on the pairs of the steps made in the round; `log_ratio`
is the mean of log(policy / start) over their answers, which on new answers of the policy estimates its KL divergence from the
start (`kl`, in nats per answer). A probe's `kl` is the same on held-out prompts, without dropout. Rows of single prompts lie in
`pairs/` and `probes/`.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

from selfj.errors import RunFolderError
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.self_training.measures import pair_figures, probe_figures
from selfj.selfjudge.self_training.rows import JudgedPair, Probe
from selfj.selfjudge.self_training.settings import FOLDER, SelfTrainingSettings
from selfj.store import Store
from selfj.training.job import Outcome

RESULT = "self_training.json"
ADAPTER = "adapter"
"""Folder of the finished policy's adapter; its base is the start."""
PAIRS, PROBES = "pairs", "probes"
_FORMAT = 1


def arm_folder(run: RunFolder, arm: str) -> RunFolder:
    """The folder of one arm of a SELF-JUDGE run, with its own tables."""
    return RunFolder(run.path(f"{FOLDER}/{arm}"))


def read_result(run: RunFolder, arm: str) -> dict[str, Any]:
    """What `self_training.json` of an arm holds. Raises RunFolderError if there is none."""
    store = arm_folder(run, arm).store
    if not store.exists(RESULT):
        raise RunFolderError(f"{store.address}: no {RESULT}; run ray_jobs/self_train.py first")
    return json.loads(store.read(RESULT))  # type: ignore[no-any-return]


def read_probes(run: RunFolder, arm: str, last: bool = True) -> list[Probe]:
    """The answers to held-out prompts of the finished policy, or of the start."""
    table = arm_folder(run, arm).table(PROBES)
    return from_table(Probe, table.read(table.parts()[-1 if last else 0]))


def result_of(folder: RunFolder, settings: SelfTrainingSettings, outcome: Outcome, /, **made_with: Any) -> dict[str, Any]:
    """The figures of a run that has ended; `made_with`: what else is to be told."""
    pairs = {part: from_table(JudgedPair, folder.table(PAIRS).read(part)) for part in folder.table(PAIRS).parts()}
    everything = [pair for rows in pairs.values() for pair in rows]
    return {
        "format": _FORMAT,
        "arm": settings.name,
        "mode": settings.mode,
        "judge": settings.judge,
        "loss": settings.loss,
        "beta": settings.beta,
        "status": "stopped" if outcome.problem else "finished",
        "reason": outcome.problem or None,
        "adapter": folder.path(ADAPTER),
        "steps": outcome.steps,
        "precision": outcome.precision,
        "training_seconds": outcome.seconds,
        **made_with,
        "pairs": dataclasses.asdict(pair_figures(everything)) if everything else None,
        "rounds": _rounds(settings, outcome, pairs),
        "probes": _probes(folder, settings, outcome),
    }


def write_result(folder: RunFolder, result: dict[str, Any]) -> None:
    """Write `self_training.json`, which ends a run."""
    Store(folder.address).write(RESULT, json.dumps(result, indent=1, ensure_ascii=False).encode())


def _rounds(settings: SelfTrainingSettings, outcome: Outcome, pairs: dict[int, list[JudgedPair]]) -> list[dict[str, Any]]:
    found = []
    for number, point in enumerate(outcome.history):
        losses = dict(point.losses)
        kl = losses.get("log_ratio") if settings.fresh else None
        own = dataclasses.asdict(pair_figures(pairs[number])) if settings.fresh and pairs.get(number) else {}
        found.append({"round": number, "step": point.step, "learning_rate": point.learning_rate, **losses, "kl": kl, **own})
    return found


def _probes(folder: RunFolder, settings: SelfTrainingSettings, outcome: Outcome) -> list[dict[str, Any]]:
    table = folder.table(PROBES)
    kl = divergences(settings, outcome)
    return [_probe(settings, part, from_table(Probe, table.read(part)), kl.get(part)) for part in table.parts()]


def _probe(settings: SelfTrainingSettings, part: int, rows: Sequence[Probe], kl: float | None) -> dict[str, Any]:
    return {"round": part, "step": part * settings.steps_per_round, "kl": kl, **dataclasses.asdict(probe_figures(rows))}


def divergences(settings: SelfTrainingSettings, outcome: Outcome) -> dict[int, float]:
    """KL divergence of each probe, by its round: 0 for the start, else measured at the end of the round before."""
    measured = {number + 1: point.validation["kl"] for number, point in enumerate(outcome.history) if "kl" in point.validation}
    return {0: 0.0, **measured}
