"""The records of the benchmark of collect, and what it says of tools that remove too little or too much."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from found_duplicates import found, jaccard, shingles_of
from made_records import COUSIN, EXACT, NEAR, ORIGINAL, Shape, instructions_of, kinds_of, origins_of, write_records

ROWS = 1500
NUMBERS = np.arange(ROWS)
SHAPE = Shape(
    np.array([f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676 % 26)}" for i in range(1 << 16)], object),
    np.array([6, 15, 40, 120]),
    np.array([5, 30]),
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return instructions_of(SHAPE, NUMBERS)


def kept_of_each(texts: list[str]) -> list[int]:
    """The first of each cluster, by comparing every text with every other."""
    sets = [shingles_of(text) for text in texts]
    home = list(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            if home[one] != home[other] and sets[one] & sets[other] and jaccard(sets[one], sets[other]) >= 0.8:
                old, new = max(home[one], home[other]), min(home[one], home[other])
                home = [new if place == old else place for place in home]
    return sorted(set(home))


def test_records_are_what_their_kind_says_and_can_be_made_one_by_one(texts: list[str]) -> None:
    kinds, originals = kinds_of(NUMBERS), instructions_of(SHAPE, origins_of(NUMBERS))
    shares = [float((kinds == kind).mean()) for kind in (ORIGINAL, EXACT, NEAR, COUSIN)]
    assert shares == pytest.approx([0.7, 0.15, 0.1, 0.05], abs=0.03)
    similar = np.array([jaccard(shingles_of(one), shingles_of(other)) for one, other in zip(texts, originals, strict=True)])
    assert (similar[kinds <= EXACT] == 1).all() and (similar[kinds == NEAR] >= 0.8).all()
    assert similar[kinds == COUSIN].min() > 0.4 and np.median(similar[kinds == COUSIN]) < 0.8
    assert instructions_of(SHAPE, NUMBERS[700:703]) == texts[700:703]


def test_whoever_keeps_one_of_each_cluster_has_found_all_and_nothing_else(texts: list[str]) -> None:
    removed = np.ones(ROWS, bool)
    removed[kept_of_each(texts)] = False
    figures = found(SHAPE, removed)
    assert figures["recall"] == figures["precision"] == figures["recall_exact"] == 1 and figures["near_duplicates"] > 100
    assert all(row["recall"] == 1 for row in figures["by_jaccard"].values())


def test_too_little_costs_recall_and_too_much_precision() -> None:
    nothing = found(SHAPE, np.zeros(ROWS, bool))
    assert nothing["recall"] == nothing["recall_exact"] == 0
    everything = found(SHAPE, np.ones(ROWS, bool))
    assert everything["recall"] == 1 and everything["precision"] < 0.3
    alike = np.isin(kinds_of(NUMBERS), (NEAR, COUSIN))
    assert found(SHAPE, alike)["recall"] > 0.9 > 0.75 > found(SHAPE, alike)["precision"]


def test_files_hold_the_records_in_order(tmp_path: Path, texts: list[str]) -> None:
    write_records(SHAPE, 30, tmp_path / "data", 1)
    lines = (tmp_path / "data" / "0000.jsonl").read_text().splitlines()
    assert len(lines) == 30 and all(f'"instruction": "{text}"' in line for text, line in zip(texts, lines, strict=False))
