"""What every script in `ray_jobs/` does: read the settings, join the Ray cluster, run steps, say where the result lies."""

import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from selfj.config import STEPS, Settings, read_settings
from selfj.errors import SelfJError, told
from selfj.progress import duration
from selfj.run import RunFolder

Kind = TypeVar("Kind")
Step = Callable[[RunFolder, Any], Any]
"""Takes the run's folder and settings."""

ENTRIES = {
    "collect": "selfj.collect:collect",
    "sample": "selfj.sample:sample",
    "score": "selfj.score:score",
    "train": "selfj.judge.step:train_judges",
    "evaluate": "selfj.evaluate.step:evaluate",
    "report": "selfj.evaluate.step:report",
}
"""Where each step begins; imported when it runs, so that a step loads only what it needs."""


def run_job(*steps: str, arguments: Sequence[str] | None = None) -> None:
    """Run `steps` with the command line's settings; print the run folder, or one line of error and exit with 2."""
    with told():
        run_steps(read_settings(arguments, program=os.path.basename(sys.argv[0])), steps)


def run_alone(read: Callable[[], Kind], make: Callable[[Kind], object]) -> None:
    """What a script does for work that is no step of a run: `read` its settings, join the Ray cluster, `make` it, say where it
    lies; or one line of error and exit with 2.
    """
    with told():
        settings = read()
        connect()
        print(f"done: {make(settings)}", flush=True)


def run_steps(settings: Settings, steps: Sequence[str] = STEPS) -> RunFolder:
    """Run steps in the order given, on the Ray cluster that is there or on a new local one.

    Finished tables are kept. Raises SelfJError for what a user can mend.
    """
    run = writable_run(settings.run_folder)
    if settings.restart_from:
        run.restart_from(settings.restart_from)
    run_in_order(run, settings, {step: ENTRIES[step] for step in steps})
    return run


def writable_run(address: str) -> RunFolder:
    """The run folder, after a look at what would fail later. Raises SelfJError if packages do not fit or it is not writable."""
    from selfj.environment import check_environment

    check_environment()
    run = RunFolder(address)
    run.check_writable()
    return run


def run_in_order(run: RunFolder, settings: Any, entries: Mapping[str, str]) -> None:
    """Join the Ray cluster and run steps one after the other, telling how long each took. `entries`: step → MODULE:FUNCTION."""
    connect()
    started = time.monotonic()
    for step, entry in entries.items():
        _run_step(run, settings, step, entry)
    print(f"done in {duration(time.monotonic() - started)}: {run.address}", flush=True)


def _run_step(run: RunFolder, settings: Any, step: str, entry: str) -> None:
    started = time.monotonic()
    print(f"{step}: begins", flush=True)
    result = step_entry(entry)(run, settings)
    print(f"{step}: ended after {duration(time.monotonic() - started)}", flush=True)
    if isinstance(result, str):
        print(f"{step}: {result}", flush=True)


def step_entry(entry: str) -> Step:
    """The function that runs a step."""
    module, _, name = entry.partition(":")
    function: Step = getattr(importlib.import_module(module), name)
    return function


def connect() -> None:
    """Join the Ray cluster of the job or of RAY_ADDRESS, else start one for this process."""
    import ray

    if not ray.is_initialized():
        start_ray(logging_level="WARNING", **_local_options())


def start_ray(attempts: int = 3, **options: Any) -> None:
    """`ray.init`, once more where a busy machine was too slow for it: Ray waits 15 seconds for its agent, and no longer
    (ray-project/ray issue 65983).

    Raises SelfJError if Ray does not come up.
    """
    import ray

    for attempt in range(1, attempts + 1):
        try:
            ray.init(**options)
        except Exception as problem:  # Ray raises a bare Exception for this
            if "timed out during startup" not in str(problem):
                raise
            ray.shutdown()
            print(f"Ray did not start in time (attempt {attempt} of {attempts})", flush=True)
        else:
            return
    raise SelfJError("Ray did not start in time; the machine is too busy, try again when it has less to do")


def _local_options() -> dict[str, Any]:
    if os.environ.get("RAY_ADDRESS") or os.environ.get("RAY_JOB_ID"):
        return {}
    return {"address": "local", "include_dashboard": False, "object_store_memory": 500_000_000}
