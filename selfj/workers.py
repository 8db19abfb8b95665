"""Who makes parts, on the Ray cluster that is joined: actors of Ray Data, each with a model that it loads once, or plain tasks,
whose processes stay from table to table, for makers that have nothing to load.

Starting a process with our libraries takes seconds; between two tables that take seconds themselves nobody waits for one.
"""

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

QUIET = {"TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore", "TRANSFORMERS_VERBOSITY": "error"}
"""Environment of workers whose libraries would fill a job's log."""
RETRIES = 10
"""How often a task is tried again whose process or node is lost: a part that kills each of them must end the step."""

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


def made_by(pool: Pool, build: Callable[[], Worker], parts: list[int], name: str) -> Iterator[Counts]:
    """The counts of each part, as they come; `build` makes a worker in its process.

    A worker that dies is replaced and its parts are made again.
    """
    groups = [parts[start : start + pool.together] for start in range(0, len(parts), pool.together)]
    return (_by_tasks if pool.tasks else _by_actors)(pool, build, groups, name)


def _by_tasks(pool: Pool, build: Callable[[], Worker], groups: list[list[int]], name: str) -> Iterator[Counts]:
    import ray

    task = ray.remote(num_cpus=pool.cpus, max_retries=RETRIES, name=name)(_make)
    shared = ray.put(build)
    waiting, running = iter(groups), list[Any]()
    try:
        while True:
            running += [task.remote([shared], group) for group in itertools.islice(waiting, pool.workers - len(running))]
            if not running:
                return
            (done,), running = ray.wait(running, num_returns=1)
            yield from ray.get(done)
    finally:
        for left in running:
            ray.cancel(left)


_worker: dict[str, Worker] = {}
"""Of this process: the worker of the last task, by the object that builds it."""


def _make(build: list[Any], parts: list[int]) -> list[Counts]:
    """Make parts in a process that may have made others of the same table before."""
    import ray

    key = build[0].hex()
    if key not in _worker:
        _worker.clear()
        _worker[key] = ray.get(build[0])()
    return _worker[key](parts)


def _by_actors(pool: Pool, build: Callable[[], Worker], groups: list[list[int]], name: str) -> Iterator[Counts]:
    import ray

    _quiet()
    # Ray says once that its workers "have constructor arguments in the object store" (issue 57733): its own, not ours. Only
    # max_restarts=0 silences it, and then a worker that dies is not replaced.
    data = ray.data.from_items([{"parts": group} for group in groups], override_num_blocks=len(groups))
    made = data.map_batches(
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
        (parts,) = batch["parts"]
        made = self.worker([int(part) for part in parts])
        return {name: [counts[name] for counts in made] for name in made[0]}
