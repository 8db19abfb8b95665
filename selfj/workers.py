"""Who makes parts, on the Ray cluster that is joined, by Ray Data: actors, each with a model that it loads once, or tasks,
whose processes stay from table to table, for makers that have nothing to load.

Starting a process with our libraries takes seconds; between two tables that take seconds themselves nobody waits for one.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

QUIET = {"TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore", "TRANSFORMERS_VERBOSITY": "error"}
"""Environment of workers whose libraries would fill a job's log."""
Counts = dict[str, Any]
"""What is told of a part that was made: numbers, and texts."""
Worker = Callable[[list[int]], list[Counts]]
"""Makes some parts."""


@dataclass
class Pool:
    """How many workers make parts, and what Ray reserves for each."""

    workers: int = 1
    cpus: float = 1
    gpus: float = 0
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables of the workers."""
    together: int = 1
    """Neighbouring parts that a worker takes at a time: what it read for one may serve the next."""
    tasks: bool = False
    """Tasks in place of actors: for makers that load nothing. They have no `gpus` and no `environment`."""


def made_by(pool: Pool, build: Callable[[], Worker], parts: list[int]) -> Iterator[Counts]:
    """The counts of each part, as they come; `build` makes a worker in its process.

    A worker that dies is replaced and its parts are made again; Ray tries a task four times in all.
    """
    groups = [parts[start : start + pool.together] for start in range(0, len(parts), pool.together)]
    return (_by_tasks if pool.tasks else _by_actors)(pool, build, groups)


def _by_tasks(pool: Pool, build: Callable[[], Worker], groups: list[list[int]]) -> Iterator[Counts]:
    import ray

    made = _groups(groups).map_batches(
        _make,
        fn_args=([ray.put(build)],),
        batch_size=1,
        compute=ray.data.TaskPoolStrategy(size=min(pool.workers, len(groups))),
        num_cpus=pool.cpus,
    )
    yield from made.iter_rows()


def _groups(groups: list[list[int]]) -> Any:
    """A data set with a block for each group."""
    import ray

    _quiet()
    return ray.data.from_items([{"parts": group} for group in groups], override_num_blocks=len(groups))


_worker: dict[str, Worker] = {}
"""Of this process: the worker of the last task, by the object that builds it."""


def _make(batch: dict[str, Any], build: list[Any]) -> dict[str, list[Any]]:
    """Make parts in a process that may have made others of the same table before."""
    import ray

    key = build[0].hex()
    if key not in _worker:
        _worker.clear()
        _worker[key] = ray.get(build[0])()
    return _columns(_worker[key], batch)


def _by_actors(pool: Pool, build: Callable[[], Worker], groups: list[list[int]]) -> Iterator[Counts]:
    import ray

    # Ray says once that its workers "have constructor arguments in the object store" (issue 57733): its own, not ours. Only
    # max_restarts=0 silences it, and then a worker that dies is not replaced.
    made = _groups(groups).map_batches(
        _Actor,
        fn_constructor_args=(build,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(pool.workers, len(groups))),
        **_reservation(pool),
    )
    yield from made.iter_rows()


def _quiet() -> None:
    """No progress bars of Ray Data in job logs."""
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)  # which the import sets
    logging.getLogger("ray.data._internal.progress").setLevel(logging.ERROR)  # it warns of bars that are off


def _reservation(pool: Pool) -> dict[str, Any]:
    options: dict[str, Any] = {"num_cpus": pool.cpus, "runtime_env": {"env_vars": {**QUIET, **pool.environment}}}
    if pool.gpus:
        options["num_gpus"] = pool.gpus
    return options


class _Actor:
    """A worker as Ray Data calls it."""

    def __init__(self, build: Callable[[], Worker]) -> None:
        self.worker = build()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        return _columns(self.worker, batch)


def _columns(worker: Worker, batch: dict[str, Any]) -> dict[str, list[Any]]:
    (parts,) = batch["parts"]
    made = worker([int(part) for part in parts])
    return {name: [counts[name] for counts in made] for name in made[0]}
