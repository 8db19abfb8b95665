"""Collect on generated records with planted duplicates: throughput, memory over time, growth, recall and precision; peers.

    python benchmarks/collect.py --rows 500000 1000000 5750000 --peers 500000

The records are those of benchmarks/made_records.py. Each run is the step as a user runs it, `ray_jobs/collect.py` with a Ray of
its own and two workers. Memory is the sum of the proportional set sizes of the command and of all that it starts (a page that
several processes share counts once), every two seconds. Growth is the exponent of the step's seconds between the smallest and the
largest run.

Peers get the same files at the same priority (Ray would give its workers a lower one): datatrove's MinHash and a datasketch
script, installed into a folder that is thrown away. All use shingles of 3 words and 16 bands of 5 values; datatrove also its own
14 of 8.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
import yaml
from found_duplicates import found
from made_records import ROWS_PER_FILE, SHARES, Shape, real_shape, write_records
from processes import measured
from record import write_result

from selfj.collect import step_counts
from selfj.collect.explain import rejects_of
from selfj.collect.near.pairs import NEIGHBOURS
from selfj.run import RunFolder
from selfj.tables import Manifest

PACKAGES = ["datatrove==0.10.1", "datasketch==2.0.0", "humanize==4.17.0", "orjson==3.13.0", "loguru==0.7.3", "xxhash==3.5.0"]
PEERS = {
    "datatrove": ["peer_datatrove.py", "16", "5"],
    "datatrove with its own 14 × 8": ["peer_datatrove.py", "14", "8"],
    "datasketch": ["peer_datasketch.py", "16", "5"],
}


def main() -> None:
    """Run all sizes, write benchmarks/results/collect.json after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 50_000], help="records of each run")
    parser.add_argument("--peers", type=int, default=0, help="records that the peers get too; one of --rows")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", help="where the records and runs lie meanwhile; default: a temporary folder")
    options = parser.parse_args()
    command = f"python benchmarks/collect.py --rows {' '.join(map(str, options.rows))} --peers {options.peers}"
    figures: dict[str, Any] = {"runs": [], "peers": {}, "planted": SHARES, "neighbours": NEIGHBOURS}
    shape = real_shape()
    for rows in options.rows:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            write_records(shape, rows, Path(folder) / "data")
            figures["runs"].append(one_run(shape, rows, Path(folder), options.workers))
        figures["exponent"] = exponent(figures["runs"])
        save(figures, command)
    if options.peers:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            write_records(shape, options.peers, Path(folder) / "data")
            for name, peer in run_peers(shape, options.peers, Path(folder)):
                figures["peers"][name] = peer
                save(figures, command)


def save(figures: dict[str, Any], command: str) -> None:
    """Write what is there."""
    compare(figures)
    print(write_result("collect", figures, command), flush=True)


def one_run(shape: Shape, rows: int, folder: Path, workers: int) -> dict[str, Any]:
    """Collect, and compare with what was planted."""
    load = [round(value, 1) for value in psutil.getloadavg()]
    config = write_config(folder, workers)
    taken = measured([sys.executable, "ray_jobs/collect.py", "--config", str(config)], os.environ | {"RAY_worker_niceness": "0"})
    run = RunFolder(f"{folder}/runs/collect")
    counts = step_counts(run)
    tables = [manifest for name in run.tables_of("collect") if (manifest := run.table(name).manifest())]
    figures = {
        "records": rows,
        **taken.figures(),
        "seconds_of_the_step": round(sum(table.seconds for table in tables), 1),
        "records_per_second": round(rows / taken.seconds),
        "kept": counts.rows_out,
        "disk_gb": disk(Path(run.address)),
        "tables": {table.table: told(table, Path(run.address)) for table in tables},
        "load_before": load,
        **found(shape, removed_by(run, rows)),
    }
    print(json.dumps(figures), flush=True)
    return figures


def told(table: Manifest, run: Path) -> dict[str, float]:
    """One table's cost."""
    return {"seconds": table.seconds, "rows": table.rows_out, "parts": table.parts, "disk_gb": disk(run / table.table)}


def disk(folder: Path) -> float:
    """GB of all files in a folder."""
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9, 3)


def exponent(runs: list[dict[str, Any]]) -> float | None:
    """Growth of the step's time between the smallest and the largest run: 1 is linear."""
    small, large = (pick(runs, key=lambda run: run["records"]) for pick in (min, max))
    if small["records"] == large["records"]:
        return None
    longer, more = (large[name] / small[name] for name in ("seconds_of_the_step", "records"))
    return round(math.log(longer) / math.log(more), 3)


def write_config(folder: Path, workers: int) -> Path:
    """Settings of the run: near duplicates on, quality filters off (the records are no texts)."""
    collect = {
        "sources": [{"path": str(folder / "data"), "name": "made"}],
        "near_duplicates": {"enabled": True},
        "rows_per_part": 5000,
        "workers": workers,
    }
    path = folder / "collect.yaml"
    settings = {"name": "collect", "runs": f"{folder}/runs", "policy": {"model": "none"}, "collect": collect}
    path.write_text(yaml.safe_dump(settings))
    return path


def removed_by(run: RunFolder, rows: int) -> npt.NDArray[np.bool_]:
    """A flag for each record that the run rejected as a duplicate. Raises SystemExit if it rejected one for anything else."""
    removed = np.zeros(rows, bool)
    for source, row, reason, _ in rejects_of(run):
        if "duplicate: of " not in reason:
            raise SystemExit(f"{source} row {row}: {reason}")
        removed[number(source, row or 0)] = True
    return removed


def number(label: str, row: int) -> int:
    """Number of a record by its file and its row there."""
    part = label.partition("/")[2].partition(".")[0]
    return (int(part) if part else 0) * ROWS_PER_FILE + row


def run_peers(shape: Shape, rows: int, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each peer on the same files: seconds, memory, and what it found."""
    packages = folder / "packages"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", packages, *PACKAGES], check=True)
    environment = os.environ | {"PYTHONPATH": str(packages), "OMP_NUM_THREADS": "1"}
    for name, (script, *settings) in PEERS.items():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            command = [sys.executable, f"benchmarks/{script}", str(folder / "data"), place, *settings]
            figures = measured(command, environment).figures()
            removed = np.zeros(rows, bool)
            removed[np.load(f"{place}/removed.npy")] = True
            figures |= {"records": rows, "disk_gb": disk(Path(place)), **found(shape, removed)}
        print(json.dumps({name: figures}), flush=True)
        yield name, figures


def compare(figures: dict[str, Any]) -> None:
    """How many times as fast as the fastest peer we are on the same records."""
    peers = figures["peers"]
    if peers:
        same = next(run for run in figures["runs"] if run["records"] == next(iter(peers.values()))["records"])
        figures["times_as_fast"] = round(min(peer["seconds"] for peer in peers.values()) / same["seconds"], 2)


if __name__ == "__main__":
    main()
