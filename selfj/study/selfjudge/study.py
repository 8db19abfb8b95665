"""A whole SELF-JUDGE study: run what is not finished, then the report: `report/index.html`, `report/metrics.json`."""

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from selfj.config import as_dict
from selfj.errors import DataError, SelfJError, tell
from selfj.run import RunFolder
from selfj.store import Store
from selfj.study.selfjudge.page import Page, html
from selfj.study.selfjudge.real import agreement_with_votes, counted_preferences, has_start
from selfj.study.selfjudge.results import SeedResult, read_seed
from selfj.study.selfjudge.runs import run_seeds
from selfj.study.selfjudge.settings import SelfJudgeStudySettings, read_selfjudge_study, run_settings
from selfj.study.selfjudge.table import selfjudge_metrics

INDEX, METRICS = "report/index.html", "report/metrics.json"
MEMORY = "memory.json"
"""Put in the study's folder by benchmarks/selfjudge_table.py."""


def main(arguments: Sequence[str] | None = None) -> int:
    """What ray_jobs/selfjudge_table.py does; exit code 1 if the report lacks a part, 2 if there is none."""
    try:
        study = read_selfjudge_study(arguments, program=os.path.basename(sys.argv[0]))
        return 0 if run_selfjudge_study(study) else 1
    except SelfJError as problem:
        return tell(problem)


def run_selfjudge_study(study: SelfJudgeStudySettings) -> bool:
    """Run, measure and report; whether every part of every seed is there.

    Raises SelfJError if the settings are wrong or no seed has anything to show.
    """
    done = run_seeds(study)
    results = [read_seed(one.folder, one.seed, one.problems) for one in done]
    print(f"study: {write_selfjudge_report(study.folder, study.name, results, study.bootstrap, study_text(study), _real(study))}")
    for result in results:
        for stage, problem in result.problems.items():
            print(f"study: seed {result.seed}: {stage} is missing: {problem}", flush=True)
    return not any(result.problems for result in results)


def write_selfjudge_report(
    folder: str, title: str, results: Sequence[SeedResult], resamples: int, settings_text: str, further: Mapping[str, Any]
) -> str:
    """Write both files of a report; returns the page's address. `further`: more for metrics.json (`memory` …).

    Raises DataError if there is nothing to show.
    """
    if not any(result.values or result.card for result in results):
        problems = next((problem for result in results for problem in result.problems.values()), "no run has begun")
        raise DataError(f"{folder}: nothing has been measured, so there is no report: {problems}")
    metrics = finite({**selfjudge_metrics(results, resamples), **further})
    store = Store(folder)
    store.write(METRICS, json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False).encode())
    store.write(INDEX, html(Page(title, metrics, settings_text)).encode())
    return store.path(INDEX)


def finite(value: Any) -> Any:
    """Plain values with None for what is no finite number: a loss that ran away, say."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _real(study: SelfJudgeStudySettings) -> dict[str, Any]:
    """What is measured on data of people, with the first seed's settings, and memory where somebody measured it.

    What fails is told and left out.
    """
    settings, folder = run_settings(study, study.seeds[0]), RunFolder(study.folder)
    found: dict[str, Any] = {"memory": json.loads(folder.store.read(MEMORY))} if folder.store.exists(MEMORY) else {}
    wanted = {
        "human_agreement": (study.real.votes and has_start(settings), agreement_with_votes, study.real.votes),
        "preferences": (study.real.preferences, counted_preferences, study.real.preferences),
    }
    for name, (asked, measure, path) in wanted.items():
        if asked:
            try:
                found[name] = measure(path, settings, folder)
            except SelfJError as problem:
                print(f"study: {name} is missing: {problem}", flush=True)
    return found


def study_text(study: SelfJudgeStudySettings) -> str:
    """The study's settings and the files they are laid over, as YAML."""
    own = yaml.safe_dump(as_dict(study), sort_keys=False, allow_unicode=True)
    return "\n".join([own, *(f"# {file}\n{Path(file).read_text('utf-8')}" for file in study.base)])


def report_runs(folders: Sequence[str], output: str = "", resamples: int = 1000) -> str:
    """The report of finished SELF-JUDGE runs that differ in their seed alone; returns the page's address.

    `output`: folder of the report, by default the first run's. Raises SelfJError if there is nothing to show.
    """
    results = [read_seed(folder, _seed_of(folder, number)) for number, folder in enumerate(folders, 1)]
    name = RunFolder(folders[0]).address.rsplit("/", 1)[-1]
    return write_selfjudge_report(output or folders[0], name, results, resamples, "", {})


def _seed_of(folder: str, number: int) -> int:
    """The run's seed, from the manifest of its model; its place in the list where there is none."""
    manifest = RunFolder(folder).table("jsft").manifest()
    return int(manifest.fingerprint.settings.get("seed", number)) if manifest else number
