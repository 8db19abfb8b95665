"""What the SELF-JUDGE scripts in `ray_jobs/` do: read the settings, join the Ray cluster, run steps, say where the result is."""

import os
import sys
from collections.abc import Sequence

from selfj.errors import told
from selfj.jobs import run_in_order, writable_run
from selfj.run import RunFolder
from selfj.selfjudge.settings import STEP_TABLES, SelfJudgeSettings, read_selfjudge_settings

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
    with told():
        run_selfjudge_steps(read_selfjudge_settings(arguments, program=os.path.basename(sys.argv[0])), steps)


def run_selfjudge_steps(settings: SelfJudgeSettings, steps: Sequence[str]) -> RunFolder:
    """Run steps in the order given, on the Ray cluster that is there or on a new local one; finished tables are kept.

    Raises SelfJError for what a user can mend.
    """
    run = writable_run(settings.run_folder)
    if settings.restart_from not in ("", ARM_STEP):
        restart_from(run, settings.restart_from)
    run_in_order(run, settings, {step: ENTRIES[step] for step in steps})
    return run


def restart_from(run: RunFolder, step: str) -> None:
    """Throw away what `step` and all later steps made."""
    steps = list(STEP_TABLES)
    for later in steps[steps.index(step) :]:
        for name in STEP_TABLES[later]:
            run.store.remove(name)
