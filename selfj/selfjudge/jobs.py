"""What the SELF-JUDGE scripts in `ray_jobs/` do: read the settings, join the Ray cluster, run steps, say where the result is."""

import importlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from selfj.errors import SelfJError
from selfj.progress import duration
from selfj.run import RunFolder
from selfj.selfjudge.settings import STEP_TABLES, SelfJudgeSettings, read_selfjudge_settings

Step = Callable[[RunFolder, SelfJudgeSettings], Any]

ENTRIES = {
    "preferences": "selfj.selfjudge.preferences.step:make_preferences",
    "jsft": "selfj.selfjudge.jsft.step:train_jsft",
    "self_training": "selfj.selfjudge.self_training.step:self_train",
}
"""Where each step begins; imported when it runs."""

ARM_STEP = "self_training"
"""Has several arms: restarted from, it throws away the one that it is to make, and no other."""


def run_selfjudge(*steps: str, arguments: Sequence[str] | None = None) -> None:
    """Run `steps` with the command line's settings; print the run folder, or one line of error and exit with 2."""
    try:
        settings = read_selfjudge_settings(arguments, program=os.path.basename(sys.argv[0]))
        run_selfjudge_steps(settings, steps)
    except SelfJError as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None


def run_selfjudge_steps(settings: SelfJudgeSettings, steps: Sequence[str]) -> RunFolder:
    """Run steps in the order given, on the Ray cluster that is there or on a new local one; finished tables are kept.

    Raises SelfJError for what a user can mend.
    """
    from selfj.environment import check_environment
    from selfj.jobs import connect

    check_environment()
    run = RunFolder(settings.run_folder)
    run.check_writable()
    if settings.restart_from not in ("", ARM_STEP):
        restart_from(run, settings.restart_from)
    connect()
    started = time.monotonic()
    for step in steps:
        begun = time.monotonic()
        print(f"{step}: begins", flush=True)
        module, _, name = ENTRIES[step].partition(":")
        entry: Step = getattr(importlib.import_module(module), name)
        entry(run, settings)
        print(f"{step}: ended after {duration(time.monotonic() - begun)}", flush=True)
    print(f"done in {duration(time.monotonic() - started)}: {run.address}", flush=True)
    return run


def restart_from(run: RunFolder, step: str) -> None:
    """Throw away what `step` and all later steps made."""
    steps = list(STEP_TABLES)
    for later in steps[steps.index(step) :]:
        for name in STEP_TABLES[later]:
            run.store.remove(name)
