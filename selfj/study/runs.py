"""The runs of a study, one after the other in one Ray session; what is finished is skipped, what fails loses nobody else."""

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from selfj import __version__
from selfj.config import STEPS, OutsideJudgeSettings, as_dict
from selfj.errors import SelfJError
from selfj.jobs import run_steps
from selfj.run import RunFolder
from selfj.store import hash_of
from selfj.study.contents import contents_of
from selfj.study.settings import PlannedRun, StudySettings

MARKER = "report/study.json"
"""Written last: what a finished run was made with."""
CROSS = "judge_of_"
"""Begins the name of a judge that was trained on another policy's answers."""
_TRAINED = STEPS[: STEPS.index("train") + 1]


@dataclass
class RunState:
    """What became of one run."""

    plan: PlannedRun
    problem: str | None = None
    """Why it is not finished."""

    @property
    def finished(self) -> bool:
        """Whether its report is there."""
        return self.problem is None


def run_all(study: StudySettings, plans: Sequence[PlannedRun]) -> list[RunState]:
    """Run everything that is not finished; never raises for one run's fault.

    With `study.cross` all judges are trained before the first one is evaluated.
    """
    states = [RunState(plan) for plan in plans]
    if study.cross:
        for state in states:
            _attempt(state, _TRAINED)
        for state in states:
            state.plan.settings.restart_from = ""
            _add_judges_of_others(state, states)
    for number, state in enumerate(states, 1):
        print(f"study: run {number} of {len(states)}: {state.plan.name}", flush=True)
        if state.finished:
            _attempt(state, STEPS)
    return states


def _add_judges_of_others(state: RunState, states: Sequence[RunState]) -> None:
    others = [other.plan for other in states if other.plan.policy != state.plan.policy and other.finished]
    for other in others:
        if other.seed == state.plan.seed:
            judge = OutsideJudgeSettings(
                kind="selfj", name=f"{CROSS}{other.policy}", model=f"{RunFolder(other.settings.run_folder).address}/judge"
            )
            state.plan.settings.evaluate.judges.append(judge)


def _attempt(state: RunState, steps: Sequence[str]) -> None:
    """Run steps of one run, unless it is finished; a fault is written down, not raised."""
    run = RunFolder(state.plan.settings.run_folder)
    if _is_finished(run, state.plan):
        print(f"study: {state.plan.name} is finished", flush=True)
        return
    try:
        made_with = _digest(state.plan)  # before: what changes meanwhile makes another run
        run_steps(state.plan.settings, steps)
    except SelfJError as problem:
        _fail(state, str(problem))
    except Exception as problem:  # a library's fault in one run must not lose the other runs
        traceback.print_exc()
        _fail(state, f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}")
    else:
        if "report" in steps:
            run.store.write(MARKER, json.dumps({"made_with": made_with}).encode())


def _fail(state: RunState, problem: str) -> None:
    state.problem = problem
    print(f"study: {state.plan.name} failed: {problem}", flush=True)


def _is_finished(run: RunFolder, plan: PlannedRun) -> bool:
    if plan.settings.restart_from or not run.store.exists(MARKER):
        return False
    return bool(json.loads(run.store.read(MARKER))["made_with"] == _digest(plan))


def _digest(plan: PlannedRun) -> str:
    return hash_of([as_dict(plan.settings, resources=False), __version__, contents_of(plan.settings)])
