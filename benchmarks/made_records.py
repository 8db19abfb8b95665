"""Generated records with planted duplicates, shaped like the real files of ../shared/data/instructions.

A record's words and length are drawn with the frequencies of those files by a hash of its number, so that any record can be made
again, a million at a time. Words are runs of the letters a to z: every tool cuts them alike, and so has the same n-grams.
Of all records 15 % repeat an earlier one exactly, 10 % with few words changed (Jaccard of 3-word shingles 0.8 or more), 5 % with
more (about 0.5 to 0.75: no duplicates). Some originals are repeated a thousand times: the chance falls with their place.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

REAL = Path(__file__).parents[2] / "shared" / "data" / "instructions"
ORIGINAL, EXACT, NEAR, COUSIN = range(4)
SHARES = {"exact": 0.15, "near": 0.10, "cousins": 0.05}
ROWS_PER_FILE = 50_000
SHORTEST, LONGEST = 6, 700
"""Words of an instruction: shorter ones of common words would meet by chance."""
SHINGLE = 3
_TABLE_BITS = 16
_CHUNK = 10_000
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """What the real files look like."""

    words: npt.NDArray[np.object_]
    """Each as often as its share asks: a uniform draw from it has the real frequencies."""
    instructions: Ints
    """Lengths of the real instructions in words."""
    references: Ints


def real_shape() -> Shape:
    """The shape of the shared files."""
    counts: Counter[str] = Counter()
    lengths: tuple[list[int], list[int]] = ([], [])
    for file in sorted(REAL.glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            for text, found in zip(_texts(json.loads(line)), lengths, strict=True):
                words = re.findall("[a-z]+", text.lower())
                counts.update(words)
                found.append(len(words))
    names = sorted(counts)
    bounds = np.cumsum([counts[name] for name in names]) / counts.total()
    picks = np.searchsorted(bounds, (np.arange(1 << _TABLE_BITS) + 0.5) / (1 << _TABLE_BITS))
    instructions, references = (np.array(found, np.int64) for found in lengths)
    return Shape(np.array(names, object)[picks], instructions.clip(SHORTEST, LONGEST), references.clip(1, LONGEST))


def _texts(row: dict[str, Any]) -> tuple[str, str]:
    asked = f"{row.get('instruction') or row.get('question')} {row.get('input') or ''}"
    return asked, row.get("output") or row.get("response") or row.get("answer") or ""


def draws(stream: int, numbers: Ints, places: Ints | int = 0) -> Ints:
    """A 62-bit number for each record and place: splitmix64's mixing function of both and the stream."""
    value = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    value += np.asarray(places).astype(np.uint64) * np.uint64(0xD1B54A32D192ED03) + np.uint64(stream * 0x632BE59BD9B4E019 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
        value = (value ^ (value >> np.uint64(shift))) * np.uint64(factor)
    return (value >> np.uint64(2)).astype(np.int64)


def kinds_of(numbers: Ints) -> Ints:
    """ORIGINAL, EXACT, NEAR or COUSIN; record 0 is an original."""
    draw = draws(1, numbers) / float(1 << 62)
    bounds = np.cumsum(list(SHARES.values()))
    kinds = np.array([EXACT, NEAR, COUSIN, ORIGINAL])[np.searchsorted(bounds, draw, side="right")]
    return np.where(numbers == 0, ORIGINAL, kinds)


def origins_of(numbers: Ints) -> Ints:
    """The original that each record is, or is made from: the square of a uniform draw, down to the next original."""
    draw = draws(2, numbers) / float(1 << 62)
    origins = np.where(kinds_of(numbers) == ORIGINAL, numbers, (numbers * draw**2).astype(np.int64))
    while len(wrong := np.flatnonzero(kinds_of(origins) != ORIGINAL)):
        origins[wrong] -= 1
    return origins


def instructions_of(shape: Shape, numbers: Ints) -> list[str]:
    """The instructions of some records."""
    kinds, origins = kinds_of(numbers), origins_of(numbers)
    lengths = shape.instructions[draws(3, origins) % len(shape.instructions)]
    changes = np.where(np.isin(kinds, (NEAR, COUSIN)), draws(4, numbers), 0)
    added, replaced, spread = _edits(kinds, lengths - SHINGLE + 1, changes)
    owners, places = _flat(lengths + added)
    length, own = lengths[owners], numbers[owners]
    changed = (places >= length - replaced[owners]) & ((added + replaced)[owners] > 0)
    step = np.where(spread > 0, lengths // np.maximum(spread, 1), 0)[owners]
    changed |= (step > 0) & (places % np.maximum(step, 1) == step // 2)
    drawn = np.where(changed, draws(6, own, places), draws(5, origins[owners], places))
    return _joined(shape, drawn, lengths + added)


def _edits(kinds: Ints, shingles: Ints, changes: Ints) -> tuple[Ints, Ints, Ints]:
    """Words added at the end, replaced at the end, and replaced here and there.

    Of s shingles, m words replaced at the end leave (s - m) / (s + m) alike, m added ones s / (s + m), k words replaced in
    between (s - 3k) / (s + 3k).
    """
    amount, way = changes >> 8, changes & 3
    near = kinds == NEAR
    spread = np.where(near & (way == 0) & (shingles >= 27), 1 + amount % np.maximum(shingles // 27, 1), 0)
    end = near & (spread == 0) & (way != 1) & (shingles >= 9)
    replaced = np.where(end, 1 + amount % np.maximum(shingles // 9, 1), 0)
    added = np.where(near & (spread == 0) & ~end, 1 + amount % np.maximum(shingles // 4, 1), 0)
    low, high = np.maximum(shingles * 15 // 100, 1), np.maximum(shingles * 33 // 100, 1)
    return added, np.where(kinds == COUSIN, low + amount % (high - low + 1), replaced), spread


def references_of(shape: Shape, numbers: Ints) -> list[str]:
    """The references of some records: each its own."""
    lengths = shape.references[draws(7, numbers) % len(shape.references)]
    owners, places = _flat(lengths)
    return _joined(shape, draws(8, numbers[owners], places), lengths)


def _flat(lengths: Ints) -> tuple[Ints, Ints]:
    """Owner and place of each word."""
    owners = np.repeat(np.arange(len(lengths)), lengths)
    return owners, np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _joined(shape: Shape, drawn: Ints, lengths: Ints) -> list[str]:
    words = shape.words[drawn & ((1 << _TABLE_BITS) - 1)].tolist()
    ends = np.cumsum(lengths)
    return [" ".join(words[end - length : end]) for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]


def write_records(shape: Shape, rows: int, folder: Path, workers: int = 2) -> None:
    """JSONL files of ROWS_PER_FILE records."""
    folder.mkdir(parents=True)
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(partial(_write_file, shape, rows, folder), range(-(-rows // ROWS_PER_FILE))))


def _write_file(shape: Shape, rows: int, folder: Path, number: int) -> None:
    start = number * ROWS_PER_FILE
    with (folder / f"{number:04d}.jsonl").open("w") as file:
        for numbers in chunks(np.arange(start, min(start + ROWS_PER_FILE, rows))):
            pairs = zip(instructions_of(shape, numbers), references_of(shape, numbers), strict=True)
            file.writelines(f'{{"instruction": "{asked}", "output": "{answered}"}}\n' for asked, answered in pairs)


def chunks(numbers: Ints) -> Iterator[Ints]:
    """The numbers in pieces whose texts fit in memory."""
    for start in range(0, len(numbers), _CHUNK):
        yield numbers[start : start + _CHUNK]
