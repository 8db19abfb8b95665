"""Categories and balanced samples on the four real files of ../shared/data/instructions.

    python benchmarks/categories.py

One collection (the step itself, on Ray) embeds and clusters all rows. Its tables are then used to tell, on the test split, how
often the nearest centroid is right (gsm8k → academic, codealpaca → coding, alpaca and dolly → common), and what drawing evenly over
clusters does to a sample. The prompt to the policy is tried on the pocket policy, which was never taught such texts: it shows that
the way is whole, not what a real model can do.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from record import write_result
from scipy.stats import binomtest

from selfj.card.diversity import effective_number, neighbour_similarity
from selfj.card.verbs import request_of
from selfj.collect.balance import Stratum, of_strata
from selfj.collect.categories.centroids import CentroidMaker, Centroids, categories_of
from selfj.collect.categories.examples import is_held_out
from selfj.collect.categories.records import EXAMPLES
from selfj.collect.embedded.kmeans import kmeans, nearest
from selfj.collect.embedded.vectors import to_vectors, vectors_of
from selfj.config import BalanceSettings, CentroidSettings
from selfj.run import RunFolder

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data" / "instructions"
EXPECTED = {"alpaca": "common", "dolly": "common", "gsm8k": "academic", "codealpaca": "coding"}
FIELDS = {
    "dolly": {"category": [], "family": ["category"]},
    "gsm8k": {"instruction": ["question"], "reference": ["answer"]},
    "codealpaca": {"reference": ["response", "output"]},
}
CLUSTERS, BUDGET, SEEDS = 1000, 3000, 10
OTHER_CLUSTERS = 700
"""Clusters that samples are measured by: of another number and seed than those that were drawn from."""
WEIGHTS = {"common": 54.0, "coding": 32.0, "academic": 14.0}
"""The paper's shares of the categories."""


def main() -> None:
    """Collect, classify, sample; write benchmarks/results/categories.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy-rows", type=int, default=100, help="rows of each source that the pocket policy is asked about")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = collected(
            Path(folder), "embedded", {"classifier": by_centroids(), "balance": balance(), "max_instructions": BUDGET}
        )
        rows = all_rows(run)
        figures = {
            "rows": rows.num_rows,
            "seconds": {
                name: round(run.upstream(name, "x").seconds, 1) for name in ("embeddings", "cluster_centres", "clusters")
            },
            "classifier": of_centroids(run, rows),
            "policy": of_policy(Path(folder), options.policy_rows) if options.policy_rows else None,
            "diversity": samples(rows),
        }
    print(json.dumps(figures, indent=1))
    print(write_result("categories", figures, "python benchmarks/categories.py"))


def by_centroids() -> dict[str, Any]:
    """The step's own classifier: all rows, examples from the sources whose category is set."""
    return {"kind": "centroids", "rows": "all"}


def balance() -> dict[str, Any]:
    """The step's own sample."""
    return {"categories": WEIGHTS, "clusters": CLUSTERS}


def collected(folder: Path, name: str, chosen: dict[str, Any], rows: int | None = None) -> RunFolder:
    """A collection of the four files, `rows` of each, by the job as a user runs it."""
    sources = [
        {"path": str(REAL / f"{source}.jsonl"), "name": source, "category": category, "fields": FIELDS.get(source, {})}
        | ({"rows": rows} if rows else {})
        for source, category in EXPECTED.items()
    ]
    settings = {
        "name": name,
        "runs": f"{folder}/runs",
        "prompts": "short",
        "policy": {"model": "selfj/pocket/policies/base"},
        "collect": {"sources": sources, **chosen},
    }
    config = folder / f"{name}.yaml"
    config.write_text(yaml.safe_dump(settings))
    subprocess.run([sys.executable, "ray_jobs/collect.py", "--config", str(config)], cwd=ROOT, check=True)
    return RunFolder(f"{folder}/runs/{name}")


def all_rows(run: RunFolder) -> pa.Table:
    """All instructions with source, split, embedding and cluster, in the order of their ids."""
    columns = ["instruction_id", "instruction", "source", "split"]
    rows = run.table("unique").read_all(columns)
    for table, column in (("embeddings", "embedding"), ("clusters", "cluster")):
        found = run.table(table).read_all(["instruction_id", column])
        assert found.column(0).equals(rows.column(0)), f"{table} has other rows than unique"
        rows = rows.append_column(column, found.column(1))
    return rows


def of_centroids(run: RunFolder, rows: pa.Table) -> dict[str, Any]:
    """Accuracy on the test split, for settings of which one thing differs from the default each time."""
    variants: dict[str, dict[str, Any]] = {"default": {}}
    variants |= {f"{n} centroids a category": {"per_category": n} for n in (1, 4, 16, 32)}
    variants |= {f"{n} examples a category": {"max_examples": n} for n in (20, 100, 500)}
    variants |= {f"margin {margin}": {"min_margin": margin} for margin in (0.05, 0.1)}
    measured = {name: accuracy(run, rows, CentroidSettings(**changed)) for name, changed in variants.items()}
    measured["dolly unseen"] = accuracy(run, rows, CentroidSettings(), unseen="dolly")
    step = run.upstream("categories", "x").details
    return {"test_rows": pc.sum(pc.equal(rows.column("split"), "test")).as_py(), "variants": measured, "step": step}


def accuracy(run: RunFolder, rows: pa.Table, settings: CentroidSettings, unseen: str = "") -> dict[str, Any]:
    """Centroids of rows of the train split (at most `max_examples` of each category), on those of the test split, by source."""
    train = rows.filter(pc.and_(pc.equal(rows.column("split"), "train"), pc.not_equal(rows.column("source"), unseen)))
    centroids = fitted(run, train, settings)
    test = rows.filter(pc.equal(rows.column("split"), "test"))
    found = [row.category for row in categories_of(test, centroids, settings)]
    sources = test.column("source").to_pylist()
    by_source = {
        source: of_source([name for name, other in zip(found, sources, strict=True) if other == source], category)
        for source, category in EXPECTED.items()
    }
    answered = [(name, EXPECTED[source]) for name, source in zip(found, sources, strict=True) if name]
    return {"all": share(sum(name == label for name, label in answered), len(answered)), "rows": len(found), "sources": by_source}


def fitted(run: RunFolder, train: pa.Table, settings: CentroidSettings) -> Centroids:
    """The step's own centroids, of the rows with the lowest ids of each category, less those that it would hold out."""
    labels = [EXPECTED[source] for source in train.column("source").to_pylist()]
    seen, chosen = Counter[str](), []
    for place, label in enumerate(labels):
        seen[label] += 1
        if seen[label] <= settings.max_examples:
            chosen.append(place)
    examples = train.take(pa.array(chosen))
    held_out = [is_held_out(key, settings.held_out) for key in examples.column("instruction_id").to_pylist()]
    table = to_vectors(examples.column("instruction_id"), vectors_of(examples))
    table = table.append_column("category", pa.array([labels[place] for place in chosen]))
    with tempfile.TemporaryDirectory() as folder:
        fit = RunFolder(folder)
        fit.table(EXAMPLES).write(0, table.append_column("held_out", pa.array(held_out)), [], table.num_rows)
        return Centroids(CentroidMaker(settings, seed=0).make(fit, 0).rows)


def of_source(found: list[str | None], expected: str) -> dict[str, Any]:
    """What the rows of one source got, and how often it was the expected category."""
    counts = Counter(name or "null" for name in found)
    answered = len(found) - counts["null"]
    return {"expected": expected, "found": dict(counts.most_common()), **share(counts[expected], answered)}


def share(hits: int, rows: int) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson 1927)."""
    if not rows:
        return {"rows_answered": 0, "accuracy": None, "low": None, "high": None}
    interval = binomtest(hits, rows).proportion_ci(method="wilson")
    return {
        "rows_answered": rows,
        "accuracy": round(hits / rows, 4),
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
    }


def of_policy(folder: Path, rows: int) -> dict[str, Any]:
    """The pocket policy asked for the category of the first rows of each source."""
    run = collected(folder, "asked", {"classifier": {"kind": "policy", "rows": "all"}}, rows)
    keys = run.table("unique").read_all(["instruction_id", "source"])
    found = run.table("categories").read_all(["instruction_id", "category"])
    assert found.column(0).equals(keys.column(0))
    pairs = list(zip(keys.column("source").to_pylist(), found.column("category").to_pylist(), strict=True))
    by_source = {
        source: of_source([name for other, name in pairs if other == source], category) for source, category in EXPECTED.items()
    }
    right = sum(name == EXPECTED[source] for source, name in pairs)
    manifest = run.upstream("categories", "x")
    return {"all": share(right, len(pairs)), "sources": by_source, "seconds": round(manifest.seconds, 1)}


def samples(rows: pa.Table) -> dict[str, Any]:
    """Three ways to draw BUDGET rows, each with SEEDS seeds; mean, lowest and highest of each measure."""
    vectors = vectors_of(rows)
    numbers, _ = nearest(vectors, kmeans(vectors[: 100 * OTHER_CLUSTERS], OTHER_CLUSTERS, seed=12345))
    requests = [request_of(text) for text in rows.column("instruction").to_pylist()]
    measured = {}
    for name, clusters in (("uniform", None), ("balanced", False), ("balanced over clusters", True)):
        drawn = [measures(vectors, numbers, requests, chosen) for chosen in (draw(rows, clusters, seed) for seed in range(SEEDS))]
        measured[name] = {key: spread([one[key] for one in drawn]) for key in drawn[0]}
    return {"budget": BUDGET, "clusters": CLUSTERS, "measured_by": OTHER_CLUSTERS, "seeds": SEEDS, "ways": measured}


def draw(rows: pa.Table, clusters: bool | None, seed: int) -> np.ndarray:
    """Places of the rows drawn: uniformly (None), balanced by category and source, or evenly over clusters besides."""
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    if clusters is None:
        return order[:BUDGET]
    numbers = rows.column("cluster").to_pylist() if clusters else [-1] * rows.num_rows
    strata = [
        (EXPECTED[source], source, cluster) for source, cluster in zip(rows.column("source").to_pylist(), numbers, strict=True)
    ]
    left = of_strata(dict(Counter(strata)), BalanceSettings(categories=WEIGHTS), BUDGET)
    return np.array(list(first_of_each(order, strata, left)))


def first_of_each(order: np.ndarray, strata: list[Stratum], left: dict[Stratum, int]) -> Iterator[int]:
    """Places in this order until each stratum has given its number."""
    left = dict(left)
    for place in order.tolist():
        if left[strata[place]] > 0:
            left[strata[place]] -= 1
            yield place


def measures(vectors: np.ndarray, numbers: np.ndarray, requests: list[Any], chosen: np.ndarray) -> dict[str, float]:
    """What a sample is like."""
    counts = np.bincount(numbers[chosen], minlength=OTHER_CLUSTERS)
    _, cosine = nearest(vectors, vectors[chosen])
    return {
        "rows": len(chosen),
        "clusters_covered": float((counts > 0).mean()),
        "effective_clusters": effective_number(counts),
        "nearest_in_sample": neighbour_similarity(vectors[chosen]) or 0.0,
        "nearest_of_all": float(cosine.mean()),
        "verb_noun_pairs": len({(requests[place].verb, requests[place].noun) for place in chosen if requests[place].noun}),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Mean, lowest and highest."""
    return {"mean": round(float(np.mean(values)), 4), "low": round(min(values), 4), "high": round(max(values), 4)}


if __name__ == "__main__":
    main()
