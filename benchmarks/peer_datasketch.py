"""Near duplicates by datasketch: MinHash.bulk in two processes, one MinHashLSH, candidates checked exactly; run by collect.py.

    python benchmarks/peer_datasketch.py DATA FOLDER BANDS ROWS

The usual script: a record is removed if one that was kept before is found by `query` and is as similar as the threshold asks. The
candidates are compared by their sets of shingles, as the estimate from 80 values would miss half of those at the threshold.
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from datasketch import MinHash, MinHashLSH

THRESHOLD, SHINGLE, WORKERS = 0.8, 3, 2
_LINES = 10_000


def main(data: str, folder: str, bands: int, rows: int) -> None:
    """Write FOLDER/kept.jsonl and FOLDER/removed.npy: the numbers of the removed records."""
    values = bands * rows
    index = MinHashLSH(num_perm=values, params=(bands, rows))
    empty = MinHash(num_perm=values)
    kept: dict[int, str] = {}
    removed: list[int] = []
    number = 0
    with ProcessPoolExecutor(WORKERS) as pool, (Path(folder) / "kept.jsonl").open("w") as out:
        for lines, signatures in zip(_batches(data), pool.map(partial(_signatures, values), _batches(data)), strict=True):
            for line, signature in zip(lines, signatures, strict=True):
                text = json.loads(line)["instruction"]
                sketch = MinHash(num_perm=values, hashvalues=signature, permutations=empty.permutations, scheme=empty.scheme)
                shingles = _shingles(text)
                if any(_jaccard(shingles, _shingles(kept[other])) >= THRESHOLD for other in index.query(sketch)):
                    removed.append(number)
                else:
                    kept[number] = text
                    index.insert(number, sketch, check_duplication=False)
                    out.write(line)
                number += 1
    np.save(Path(folder) / "removed.npy", np.array(removed, np.int64))


def _batches(data: str) -> Iterator[list[str]]:
    for file in sorted(Path(data).glob("*.jsonl")):
        lines = file.read_text().splitlines(keepends=True)
        for start in range(0, len(lines), _LINES):
            yield lines[start : start + _LINES]


def _signatures(values: int, lines: list[str]) -> list[npt.NDArray[np.uint32]]:
    shingles = ([shingle.encode() for shingle in _shingles(json.loads(line)["instruction"])] for line in lines)
    return [sketch.hashvalues for sketch in MinHash.bulk(shingles, num_perm=values)]


def _shingles(text: str) -> set[str]:
    words = text.split()
    return {" ".join(words[start : start + SHINGLE]) for start in range(max(1, len(words) - SHINGLE + 1))}


def _jaccard(one: set[str], other: set[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
