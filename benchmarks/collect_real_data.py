"""Collect on the four real files of ../shared/data/instructions: rows in, out and rejected by reason, seconds, memory.

    python benchmarks/collect_real_data.py

Memory is the sum of the proportional set sizes of the command and everything that it starts (Ray included). The overlaps of the
files (alpaca.jsonl is made of four overlapping subsets) are found here once more, by comparing texts in one process.
"""

import dataclasses
import json
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from processes import memory_of
from record import write_result

from selfj.collect import step_counts
from selfj.collect.collected import CollectedMaker
from selfj.collect.explain import rejects_of
from selfj.collect.sources import plan_source
from selfj.collect.unique import UniqueMaker, plan_ranges
from selfj.config import load_settings
from selfj.parts import PartMaker
from selfj.run import RunFolder

ROOT = Path(__file__).parents[1]
COMMAND = ["ray_jobs/collect.py", "--config", "configs/shared_data.yaml"]


def main() -> None:
    """Run the job, write benchmarks/results/collect_real_data.json."""
    with tempfile.TemporaryDirectory() as runs:
        figures = measured([sys.executable, *COMMAND, "--runs", runs])
        run = RunFolder(f"{runs}/shared-data")
        figures |= (
            counted(run) | {"overlaps": overlaps(run)} | {"cpu_seconds_of_the_work": worked(RunFolder(f"{runs}/one-process"))}
        )
    print(json.dumps(figures, indent=1))
    print(write_result("collect_real_data", figures, "python benchmarks/collect_real_data.py"))


def measured(command: list[str]) -> dict[str, Any]:
    """Seconds and peak memory of a command with all its processes, and of its largest process."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT)
    peak = largest = 0
    while process.poll() is None:
        sizes = memory_of(process.pid)
        peak, largest = max(peak, sum(sizes)), max([largest, *sizes])
        time.sleep(0.5)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "seconds_of_the_command": round(time.monotonic() - started, 1),
        "peak_gb_all_processes": round(peak / 1e9, 2),
        "peak_gb_largest_process": round(largest / 1e9, 2),
        "load_before": [round(value, 1) for value in psutil.getloadavg()],
    }


def counted(run: RunFolder) -> dict[str, Any]:
    """Rows of the step, by reason and by source; seconds of its tables."""
    manifest = run.upstream("instructions", "report")
    tables = {name: run.upstream(name, "report") for name in ("collected", "instructions")}
    seconds = {
        name: {"seconds": table.seconds, "rows_per_second": round(table.rows_per_second)} for name, table in tables.items()
    }
    return {**dataclasses.asdict(step_counts(run)), "tables": seconds, "parts": manifest.parts, **manifest.details}


def overlaps(run: RunFolder) -> dict[str, Any]:
    """Rows whose text an earlier one has, by brute force, and whether the run rejected these and named the same first ones."""
    rejects = {(source, row): reason for source, row, reason, _ in rejects_of(run)}
    found = {place: reason for place, reason in rejects.items() if reason.startswith("duplicate: ")}
    first: dict[str, tuple[str, int]] = {}
    expected: dict[tuple[str, int], str] = {}
    for place, text in texts():
        if place in rejects and place not in found:
            continue
        source, row = first.setdefault(text, place)
        if (source, row) != place:
            expected[place] = f"duplicate: of {source} row {row}"
    of_each = Counter(source for source, _ in expected)
    return {"expected": len(expected), "found": len(found), "equal": expected == found, "by_source": dict(of_each)}


def texts() -> Iterator[tuple[tuple[str, int], str]]:
    """Source, row and text of all rows in the order of the settings: NFKC, lower case, white space folded."""
    for source in load_settings(ROOT / COMMAND[-1]).collect.sources:
        for row, line in enumerate((ROOT / source.path).read_bytes().splitlines()):
            values = json.loads(line)
            asked, given = values.get("instruction") or values.get("question"), (values.get("input") or "").strip()
            given = "" if re.fullmatch(r"[<(`\"]*no ?input( required| needed)?[>)`\".,]*", given, re.I) else given
            text = unicodedata.normalize("NFKC", f"{asked} {given}")
            yield (source.name, row), re.sub(r"\s+", " ", text).strip().lower()


def worked(run: RunFolder) -> dict[str, float]:
    """CPU seconds of both passes in one process, without Ray: what does not depend on how busy the machine is."""
    settings = load_settings(ROOT / COMMAND[-1]).collect
    shards = [shard for number in range(len(settings.sources)) for shard in plan_source(number, settings).shards]
    first = made(run, "collected", CollectedMaker(settings, shards), len(shards))
    rows = sum(run.table("collected").counts(part).rows_out for part in range(len(shards)))
    ranges = plan_ranges(run.table("collected"), rows, None, settings.rows_per_part)
    return {"collected": first, "instructions": made(run, "instructions", UniqueMaker(ranges), ranges.parts)}


def made(run: RunFolder, table: str, maker: PartMaker, parts: int) -> float:
    """CPU seconds to make and write all parts of a table."""
    started = time.process_time()
    for number in range(parts):
        part = maker.make(run, number)
        run.table(table).write(number, part.rows, part.rejects, part.rows_in)
    return round(time.process_time() - started, 2)


if __name__ == "__main__":
    main()
