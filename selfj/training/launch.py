"""Start the loop in Ray Train workers, and bring its outcome back to the driver."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from selfj.config import LoopSettings
from selfj.errors import RunFolderError, SelfJError
from selfj.run import RunFolder
from selfj.store import Store
from selfj.training.job import Outcome, TrainingJob
from selfj.training.loop import train_worker

_CHECKPOINTS = "checkpoints"
_CLEANER = "PlacementGroupCleanerCallback"
_KEPT = 2
"""Checkpoints kept: the last, and the one before it in case a machine dies while the last is being read."""


def train(job: TrainingJob) -> Outcome:
    """Train until the last step; the model then lies in the job's output folder.

    A lost worker costs the steps since the last checkpoint; a job that is started again goes on from it.

    Raises SelfJError for what the user can mend, RunFolderError among them if the checkpoints were made by another number
    of workers; ray.train.TrainingFailedError if workers were lost more than `max_failures` times.
    """
    outcome = run_workers(job, train_worker)
    if outcome.problem:
        raise SelfJError(outcome.problem)
    return outcome


def run_workers(job: TrainingJob, worker: Callable[[dict[str, Any]], Outcome]) -> Outcome:
    """The outcome of the first of `workers` processes that run `worker` with the job; its problem is told, not raised."""
    store = RunFolder(job.run).store
    _check_workers(store, job)
    _drop_torn_snapshot(store, job)
    outcome: Outcome = _trainer(store, job, worker).fit().return_value
    return outcome


def _trainer(store: Store, job: TrainingJob, worker: Callable[[dict[str, Any]], Outcome]) -> Any:
    from ray.train import CheckpointConfig, FailureConfig, LoggingConfig, RunConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    settings = job.settings
    run_config = RunConfig(
        name=_CHECKPOINTS,
        **_storage(store, job),
        failure_config=FailureConfig(max_failures=settings.max_failures),
        checkpoint_config=CheckpointConfig(num_to_keep=_KEPT),
        worker_runtime_env={"env_vars": _environment(settings)},
        logging_config=LoggingConfig(log_level="WARNING"),
    )
    backend = TorchConfig(backend="nccl" if settings.gpus_per_worker else "gloo")
    trainer = TorchTrainer(
        worker,
        train_loop_config={"job": job},
        torch_config=backend,
        scaling_config=_scaling(settings),
        run_config=run_config,
    )
    return _without_cleaner(trainer)


def _without_cleaner(trainer: Any) -> Any:
    """Leave out a helper of Ray Train that asks every second, through the dashboard, whether the controller lives.

    It asks whichever Ray it finds on the machine: with a second one there it takes the controller for dead and kills the
    training (seen with Ray 2.60), and without a dashboard it fills the log. It is there for controllers that die while
    their driver lives; here the driver ends with its controller, and Ray takes back the resources of both.
    """
    made = getattr(trainer, "_create_default_callbacks", None)
    if made is not None:
        trainer._create_default_callbacks = lambda: [one for one in made() if type(one).__name__ != _CLEANER]
    return trainer


def _scaling(settings: LoopSettings) -> Any:
    from ray.train import ScalingConfig

    resources: dict[str, float] = {"CPU": 1 if settings.gpus_per_worker else settings.threads}
    if settings.gpus_per_worker:
        resources["GPU"] = settings.gpus_per_worker
    return ScalingConfig(num_workers=settings.workers, use_gpu=settings.gpus_per_worker > 0, resources_per_worker=resources)


def _storage(store: Store, job: TrainingJob) -> dict[str, Any]:
    if store.is_local:
        return {"storage_path": store.path(job.examples)}
    import pyarrow.fs

    filesystem = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(store.filesystem))
    return {"storage_path": store.path(job.examples), "storage_filesystem": filesystem}


def _environment(settings: LoopSettings) -> dict[str, str]:
    quiet = {
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
        "TQDM_DISABLE": "1",
        "PYTHONWARNINGS": "ignore::FutureWarning",
    }
    if settings.gpus_per_worker:
        return quiet
    return {**quiet, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": str(settings.threads)}


def _check_workers(store: Store, job: TrainingJob) -> None:
    """ZeRO shards belong to a number of workers: refuse to go on with another, before anything starts."""
    name = f"{job.examples}/{_CHECKPOINTS}/workers.json"
    workers = job.settings.workers
    begun = any(entry.startswith("step-") for entry in store.names(f"{job.examples}/{_CHECKPOINTS}"))
    before = json.loads(store.read(name))["workers"] if begun and store.exists(name) else workers
    if before != workers:
        raise RunFolderError(
            f"{store.address}/{job.examples}: its checkpoints were made by {before} workers, not {workers}; "
            f"go on with --{job.name}.workers {before}, or train anew with --restart-from {job.name}"
        )
    store.write(name, json.dumps({"workers": workers}).encode())


def _drop_torn_snapshot(store: Store, job: TrainingJob) -> None:
    """Ray Train's list of checkpoints is not written atomically; if a kill tore it, training begins anew."""
    name = f"{job.examples}/{_CHECKPOINTS}/checkpoint_manager_snapshot.json"
    if not store.exists(name):
        return
    with contextlib.suppress(ValueError):
        json.loads(store.read(name))
        return
    print(f"{job.name}: {store.address}/{name} was torn by a crash; training begins anew", flush=True)
    store.remove(name)
