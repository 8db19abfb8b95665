"""A whole study: run what is not finished, then make the table: `report/index.html`, `report/table.md`, `report/metrics.json`."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfj.errors import DataError, SelfJError, tell
from selfj.store import Store
from selfj.study.aggregate import study_metrics
from selfj.study.asking import Study, ask_all
from selfj.study.page import Page, RunRow, html, markdown
from selfj.study.results import Result, read_results
from selfj.study.runs import RunState, run_all
from selfj.study.settings import StudySettings, planned_runs, read_study, study_text

INDEX = "report/index.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """What ray_jobs/paper_table.py does; exit code 1 if the table was made but a run is missing, 2 if none could be made."""
    try:
        study = read_study(arguments, program=os.path.basename(sys.argv[0]))
        return 0 if run_study(study) else 1
    except SelfJError as problem:
        return tell(problem)


def run_study(study: StudySettings) -> bool:
    """Run and tabulate; whether every run is in the table.

    Raises SelfJError if the settings are wrong or no run could be finished.
    """
    states = run_all(study, planned_runs(study))
    print(f"study: {make_table(study, states)}", flush=True)
    for state in states:
        if state.problem:
            print(f"study: {state.plan.name} is missing from the table: {state.problem}", flush=True)
    return all(state.finished for state in states)


def make_table(study: StudySettings, states: Sequence[RunState]) -> str:
    """Write the study's report from its finished runs; returns its address.

    Raises DataError if no run is finished.
    """
    results = _results(states)
    if not results:
        raise DataError(f"study: no run could be finished, so there is no table: {states[0].problem}")
    resamples = states[0].plan.settings.evaluate.bootstrap
    asked = ask_all([result for result, _ in results], resamples, min(study.seeds))
    metrics = study_metrics(asked, study.seeds, resamples)
    metrics["runs"] = [_as_dict(row) for row in _rows(states, results)]
    store = Store(study.folder)
    page = _page(study, asked, metrics, _rows(states, results))
    store.write("report/metrics.json", json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False).encode())
    store.write("report/table.md", markdown(page).encode())
    store.write(INDEX, html(page).encode())
    return store.path(INDEX)


def _results(states: Sequence[RunState]) -> list[tuple[Result, RunState]]:
    """What the finished runs have; a run whose predictions cannot be read is one that is missing."""
    found = []
    for state in states:
        if state.finished:
            try:
                found += [(result, state) for result in read_results(state.plan.settings.run_folder)]
            except SelfJError as problem:
                state.problem = str(problem)
    return found


def _rows(states: Sequence[RunState], results: Sequence[tuple[Result, RunState]]) -> list[RunRow]:
    by_name = {state.plan.name: result for result, state in results}
    return [_row(state, by_name.get(state.plan.name)) for state in states]


def _row(state: RunState, result: Result | None) -> RunRow:
    plan = state.plan
    if result is None:
        return RunRow(plan.name, plan.policy, plan.seed, state.problem)
    known = result.gold[result.rows()]
    return RunRow(
        plan.name, plan.policy, plan.seed, None,
        instructions=len(np.unique(result.instruction_ids)), answers=len(result),
        mean_gold=float(known.mean()) if len(known) else None, seconds=result.seconds, report=f"../{plan.name}/{INDEX}",
    )  # fmt: skip


def _as_dict(row: RunRow) -> dict[str, Any]:
    return {"finished": row.problem is None, **vars(row)}


def _page(study: StudySettings, asked: Study, metrics: dict[str, Any], rows: list[RunRow]) -> Page:
    fresh = "the instructions (generators get the seed), " if study.fresh_instructions else ""
    return Page(
        title=study.name,
        metrics=metrics,
        methods=asked.methods,
        runs=rows,
        gold=asked.results[0].gold_source,
        what_a_seed_changes=f"{fresh}the sampled answers and the training",
        settings_text=study_text(study),
    )
