"""What benchmarks/categories.py makes of classified rows and of samples."""

import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("categories")


def test_a_share_has_wilsons_interval_and_rows_left_open_are_no_answers(benchmark):
    found = benchmark.of_source(["coding"] * 40 + ["common"] * 10 + [None] * 5, "coding")
    assert found["found"] == {"coding": 40, "common": 10, "null": 5}
    assert (found["rows_answered"], found["accuracy"], found["low"], found["high"]) == (50, 0.8, 0.6696, 0.8876)
    assert benchmark.share(0, 0)["accuracy"] is None


def test_each_way_of_drawing_takes_the_budget_and_clusters_spread_it(benchmark):
    sources = ["alpaca", "dolly", "gsm8k", "codealpaca"] * 25
    clusters = [0] * 80 + list(range(1, 21))
    rows = pa.table({"source": sources, "cluster": clusters})
    drawn = {way: benchmark.draw(rows, 30, way, seed=1) for way in (None, False, True)}
    assert {way: len(set(places.tolist())) for way, places in drawn.items()} == {None: 30, False: 30, True: 30}
    covered = {way: len({clusters[place] for place in places}) for way, places in drawn.items()}
    assert covered[True] > covered[False]
    assert Counter(benchmark.EXPECTED[sources[place]] for place in drawn[True]) == {"common": 16, "coding": 10, "academic": 4}
    assert np.array_equal(benchmark.draw(rows, 30, True, seed=1), drawn[True])
