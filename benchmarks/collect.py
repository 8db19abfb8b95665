"""Collect on generated records with planted duplicates: throughput, memory over time, growth, recall and precision.

    python benchmarks/collect.py --rows 10000 50000

Records have the lengths and the words of the four real files of ../shared/data/instructions. 15 % repeat an earlier record
exactly, 10 % with some words replaced; which, the record's number says, so any record can be made again. Memory is the sum of the
proportional set sizes of the command and of all that it starts, every two seconds.
"""

import argparse
import contextlib
import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml
from collect_real_data import memory_of
from record import write_result

from selfj.collect import step_counts
from selfj.collect.explain import rejects_of
from selfj.collect.near.signatures import jaccard, shingles
from selfj.collect.summary import kind_of
from selfj.config import NearDuplicateSettings
from selfj.run import RunFolder

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data" / "instructions"
EXACT, NEAR = 0.15, 0.10
ROWS_PER_FILE = 100_000
SHORTEST = 6
"""Words of the shortest instruction: shorter ones of common words would meet by chance."""


def main() -> None:
    """Run all sizes, write benchmarks/results/collect.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 50_000], help="records of each run")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    runs = [one_run(rows, options.workers) for rows in options.rows]
    figures = {"runs": runs, "exponent": exponent(runs), "planted": {"exact": EXACT, "near": NEAR}}
    print(json.dumps(figures, indent=1))
    rows = " ".join(map(str, options.rows))
    print(write_result("collect", figures, f"python benchmarks/collect.py --rows {rows} --workers {options.workers}"))


def one_run(rows: int, workers: int) -> dict[str, Any]:
    """Generate, collect, and compare with what was planted."""
    records = Records(real_texts())
    with tempfile.TemporaryDirectory() as folder:
        write_records(records, rows, Path(folder) / "data")
        config = write_config(Path(folder), workers)
        seconds, memory = measured([sys.executable, "ray_jobs/collect.py", "--config", str(config)])
        run = RunFolder(f"{folder}/runs/collect")
        counts = step_counts(run)
        peak = max(memory)
        return {
            "records": rows,
            "seconds": round(seconds, 1),
            "seconds_of_the_step": round(counts.seconds, 1),
            "records_per_second": round(rows / counts.seconds),
            "peak_gb": round(peak, 2),
            "memory_gb": [round(value, 2) for value in memory[:: max(1, len(memory) // 60)]],
            "disk_gb": round(sum(file.stat().st_size for file in Path(run.address).rglob("*") if file.is_file()) / 1e9, 3),
            "load_before": [round(value, 1) for value in psutil.getloadavg()],
            **found(run, records, rows),
        }


def exponent(runs: list[dict[str, Any]]) -> float | None:
    """Growth of the step's time between the smallest and the largest run: 1 is linear."""
    small, large = (pick(runs, key=lambda run: run["records"]) for pick in (min, max))
    if small["records"] == large["records"]:
        return None
    ratio = large["seconds_of_the_step"] / small["seconds_of_the_step"]
    return round(math.log(ratio) / math.log(large["records"] / small["records"]), 3)


@dataclass
class Texts:
    """Words with their frequencies, and lengths in words."""

    words: list[str]
    weights: list[int]
    """Cumulative."""
    instructions: list[int]
    references: list[int]


def real_texts() -> Texts:
    """What the generated records are drawn from."""
    counts: Counter[str] = Counter()
    lengths: tuple[list[int], list[int]] = ([], [])
    for file in sorted(REAL.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            row = json.loads(line)
            asked = f"{row.get('instruction') or row.get('question')} {row.get('input') or ''}".split()
            answered = (row.get("output") or row.get("response") or row.get("answer") or "").split()
            counts.update(asked)
            lengths[0].append(max(SHORTEST, min(len(asked), 1000)))
            lengths[1].append(max(1, min(len(answered), 1000)))
    words = sorted(counts)
    total, weights = 0, []
    for word in words:
        total += counts[word]
        weights.append(total)
    return Texts(words, weights, *lengths)


class Records:
    """Record i, whatever was asked for before."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts

    def kind(self, i: int) -> str:
        """`original`, `exact` or `near`."""
        draw = random.Random(f"kind {i}").random()
        return "original" if i == 0 or draw >= EXACT + NEAR else "exact" if draw < EXACT else "near"

    def origin(self, i: int) -> int:
        """The original that a record is, or is a copy of."""
        if self.kind(i) == "original":
            return i
        origin = random.Random(f"origin {i}").randrange(i)
        while self.kind(origin) != "original":
            origin -= 1
        return origin

    def instruction(self, i: int) -> str:
        """Its instruction."""
        words = self._words(self.origin(i))
        if self.kind(i) == "near":
            draw = random.Random(f"near {i}")
            for place in draw.sample(range(len(words)), draw.randint(1, max(1, len(words) // 30))):
                words[place] = f"{words[place]}{draw.randrange(100)}"
        return " ".join(words)

    def record(self, i: int) -> dict[str, str]:
        """The row of the source."""
        draw = random.Random(f"reference {i}")
        count = draw.choice(self.texts.references)
        reference = draw.choices(self.texts.words, cum_weights=self.texts.weights, k=count)
        return {"instruction": self.instruction(i), "output": " ".join(reference)}

    def _words(self, i: int) -> list[str]:
        draw = random.Random(f"words {i}")
        return draw.choices(self.texts.words, cum_weights=self.texts.weights, k=draw.choice(self.texts.instructions))


def write_records(records: Records, rows: int, folder: Path) -> None:
    """JSONL files of ROWS_PER_FILE records."""
    folder.mkdir(parents=True)
    for start in range(0, rows, ROWS_PER_FILE):
        with (folder / f"{start // ROWS_PER_FILE:04d}.jsonl").open("w") as file:
            file.writelines(json.dumps(records.record(i)) + "\n" for i in range(start, min(start + ROWS_PER_FILE, rows)))


def write_config(folder: Path, workers: int) -> Path:
    """Settings of the run: near duplicates on, quality filters off (the records are no texts)."""
    collect = {
        "sources": [{"path": str(folder / "data"), "name": "made"}],
        "near_duplicates": {"enabled": True},
        "min_words": 1,
        "rows_per_part": 5000,
        "workers": workers,
    }
    path = folder / "collect.yaml"
    path.write_text(
        yaml.safe_dump({"name": "collect", "runs": f"{folder}/runs", "policy": {"model": "none"}, "collect": collect})
    )
    return path


def measured(command: list[str]) -> tuple[float, list[float]]:
    """Seconds of a command, and GB of all its processes over time."""
    started, memory = time.monotonic(), [0.0]
    process = subprocess.Popen(command, cwd=ROOT)
    while process.poll() is None:
        memory.append(sum(memory_of(process.pid)) / 1e9)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - started, memory


def found(run: RunFolder, records: Records, rows: int) -> dict[str, Any]:
    """Recall over the planted copies, precision over the rejects."""
    rejects = {row: (kind_of(reason), kept) for row, reason, kept in rejected_rows(run)}
    threshold, size = NearDuplicateSettings().threshold, NearDuplicateSettings().shingle
    exact = [i for i in range(rows) if records.kind(i) == "exact"]
    near = [i for i in range(rows) if records.kind(i) == "near" and similarity(records, i, records.origin(i), size) >= threshold]
    claimed = [(row, kept) for row, (kind, kept) in rejects.items() if kind == "near duplicate"]
    right = [
        records.origin(row) == records.origin(kept) or similarity(records, row, kept, size) >= threshold for row, kept in claimed
    ]
    return {
        "recall_exact": share([i in rejects for i in exact]),
        "recall": share([i in rejects for i in near]),
        "planted_at_the_threshold": len(near),
        "near_duplicates": len(claimed),
        "precision": share(right),
    }


def rejected_rows(run: RunFolder) -> Iterator[tuple[int, str, int]]:
    """Number of each rejected record, the reason, and the number of the record that was kept for it."""
    for source, row, reason, _ in rejects_of(run):
        kept, _, kept_row = reason.rpartition(": of ")[2].rpartition(" row ")
        yield number(source, row or 0), reason, number(kept, int(kept_row))


def number(label: str, row: int) -> int:
    """Number of a record by its file and its row there."""
    part = label.partition("/")[2].partition(".")[0]
    return (int(part) if part else 0) * ROWS_PER_FILE + row


def similarity(records: Records, one: int, other: int, size: int) -> float:
    """Exact Jaccard of two records' shingles."""
    return jaccard(*(set(shingles(records.instruction(i), size)) for i in (one, other)))


def share(values: list[bool]) -> float | None:
    """Share of true values."""
    return round(sum(values) / len(values), 5) if values else None


if __name__ == "__main__":
    main()
