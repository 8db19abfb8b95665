"""Categories and balanced samples on the four real files of ../shared/data/instructions.

    python benchmarks/categories.py

The step's own makers, in one process, embed and cluster all rows. Their tables tell, on the test split, how often the nearest
centroid is right (gsm8k → academic, codealpaca → coding, alpaca and dolly → common), and what drawing evenly over clusters does
to a sample. The prompt to the policy is tried on the pocket policy, which was never taught such texts: it shows that the way is
whole, not what a real model can do.
"""

import argparse
import json
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
from collect_real_data import made
from record import write_result
from scipy.stats import binomtest

from selfj.card.diversity import effective_number, neighbour_similarity
from selfj.card.verbs import request_of
from selfj.collect.balance import Stratum, of_strata
from selfj.collect.categories.centroids import CentroidMaker, Centroids, categories_of
from selfj.collect.categories.examples import is_held_out
from selfj.collect.categories.records import CATEGORIES, EXAMPLES
from selfj.collect.collected import CollectedMaker
from selfj.collect.embedded.clusters import CENTRES, CLUSTERS, CentreMaker, ClusterMaker
from selfj.collect.embedded.kmeans import kmeans, nearest
from selfj.collect.embedded.rows import Remaining
from selfj.collect.embedded.vectors import EmbeddingMaker, to_vectors, vectors_of
from selfj.collect.sources import plan_source
from selfj.collect.unique import UniqueMaker, plan_ranges
from selfj.collect_settings import BalanceSettings, CentroidSettings
from selfj.config import Settings, load_settings
from selfj.jobs import run_steps
from selfj.parts import PartMaker
from selfj.run import RunFolder

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data" / "instructions"
EXPECTED = {"alpaca": "common", "dolly": "common", "gsm8k": "academic", "codealpaca": "coding"}
FIELDS = {
    "dolly": {"category": [], "family": ["category"]},
    "gsm8k": {"instruction": ["question"], "reference": ["answer"]},
    "codealpaca": {"reference": ["response", "output"]},
}
SEEDS = 10
WEIGHTS = {"common": 54.0, "coding": 32.0, "academic": 14.0}
"""The paper's shares of the categories."""


def main() -> None:
    """Collect, classify, sample; write benchmarks/results/categories.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, help="rows of each source (default: all)")
    parser.add_argument("--budget", type=int, default=3000, help="rows of a sample (default: %(default)s)")
    parser.add_argument("--clusters", type=int, default=1000, help="clusters to draw from (default: %(default)s)")
    parser.add_argument("--policy-rows", type=int, default=100, help="rows of each source that the pocket policy is asked about")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds, rows = embedded(RunFolder(f"{folder}/embedded"), settings_in(folder, options.rows), options.clusters)
        figures = {
            "rows": rows.num_rows,
            "cpu_seconds": seconds,
            "classifier": of_centroids(rows),
            "policy": of_policy(folder, options.policy_rows) if options.policy_rows else None,
            "diversity": samples(rows, options.budget, options.clusters),
        }
    print(json.dumps(figures, indent=1))
    print(write_result("categories", figures, f"python benchmarks/categories.py {' '.join(sys.argv[1:])}".strip()))


def settings_in(folder: str, rows: int | None, **collect: Any) -> Settings:
    """The four files, `rows` of each, each with its category."""
    sources = [
        {"path": str(REAL / f"{source}.jsonl"), "name": source, "category": category, "fields": FIELDS.get(source, {})}
        | ({"rows": rows} if rows else {})
        for source, category in EXPECTED.items()
    ]
    settings = {
        "name": "asked",
        "runs": folder,
        "prompts": "short",
        "policy": {"model": str(ROOT / "selfj/pocket/policies/base")},
        "collect": {"sources": sources, **collect},
    }
    config = Path(folder) / "config.yaml"
    config.write_text(yaml.safe_dump(settings))
    return load_settings(config)


def embedded(run: RunFolder, settings: Settings, clusters: int) -> tuple[dict[str, float], pa.Table]:
    """CPU seconds of the step's own tables, made in this process without Ray; all instructions with embedding and cluster."""
    shards = [shard for number in range(len(EXPECTED)) for shard in plan_source(number, settings.collect).shards]
    seconds = {"collected": made(run, "collected", CollectedMaker(settings.collect, shards), len(shards))}
    collected = sum(run.table("collected").counts(part).rows_out for part in range(len(shards)))
    ranges = plan_ranges(run.table("collected"), collected, None, 20_000)
    seconds["unique"] = made(run, "unique", UniqueMaker(ranges), ranges.parts)
    makers: dict[str, tuple[PartMaker, int]] = {
        "embeddings": (EmbeddingMaker(settings.score, Remaining(), only_missing=False), ranges.parts),
        CENTRES: (CentreMaker(clusters, settings.seed), 1),
        CLUSTERS: (ClusterMaker(), ranges.parts),
    }
    seconds |= {name: made(run, name, maker, parts) for name, (maker, parts) in makers.items()}
    return seconds, all_rows(run)


def all_rows(run: RunFolder) -> pa.Table:
    """All instructions with source, split, embedding and cluster, in the order of their ids."""
    columns = ["instruction_id", "instruction", "source", "split"]
    rows = run.table("unique").read_all(columns)
    for table, column in (("embeddings", "embedding"), ("clusters", "cluster")):
        found = run.table(table).read_all(["instruction_id", column])
        assert found.column(0).equals(rows.column(0)), f"{table} has other rows than unique"
        rows = rows.append_column(column, found.column(1))
    return rows


def of_centroids(rows: pa.Table) -> dict[str, Any]:
    """Accuracy on the test split, for settings of which one thing differs from the default each time."""
    variants: dict[str, dict[str, Any]] = {"default": {}}
    variants |= {f"{n} centroids a category": {"per_category": n} for n in (1, 4, 16, 32)}
    variants |= {f"{n} examples a category": {"max_examples": n} for n in (20, 100, 500)}
    variants |= {f"margin {margin}": {"min_margin": margin} for margin in (0.05, 0.1)}
    measured = {name: accuracy(rows, CentroidSettings(**changed)) for name, changed in variants.items()}
    measured["dolly unseen"] = accuracy(rows, CentroidSettings(), unseen="dolly")
    return {"test_rows": pc.sum(pc.equal(rows.column("split"), "test")).as_py(), "variants": measured}


def accuracy(rows: pa.Table, settings: CentroidSettings, unseen: str = "") -> dict[str, Any]:
    """Centroids of rows of the train split (at most `max_examples` of each category), on those of the test split, by source."""
    train = rows.filter(pc.and_(pc.equal(rows.column("split"), "train"), pc.not_equal(rows.column("source"), unseen)))
    centroids = fitted(train, settings)
    test = rows.filter(pc.equal(rows.column("split"), "test"))
    found = [row.category for row in categories_of(test, centroids, settings)]
    sources = test.column("source").to_pylist()
    by_source = {
        source: of_source([name for name, other in zip(found, sources, strict=True) if other == source], category)
        for source, category in EXPECTED.items()
    }
    answered = [(name, EXPECTED[source]) for name, source in zip(found, sources, strict=True) if name]
    return {"all": share(sum(name == label for name, label in answered), len(answered)), "rows": len(found), "sources": by_source}


def fitted(train: pa.Table, settings: CentroidSettings) -> Centroids:
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


def of_policy(folder: str, rows: int) -> dict[str, Any]:
    """The pocket policy asked for the category of the first rows of each source, by the step itself, on Ray."""
    settings = settings_in(folder, rows, classifier={"kind": "policy", "rows": "all"})
    run = run_steps(settings, ["collect"])
    keys = run.table("unique").read_all(["instruction_id", "source"])
    found = run.table(CATEGORIES).read_all(["instruction_id", "category"])
    assert found.column(0).equals(keys.column(0))
    pairs = list(zip(keys.column("source").to_pylist(), found.column("category").to_pylist(), strict=True))
    by_source = {
        source: of_source([name for other, name in pairs if other == source], category) for source, category in EXPECTED.items()
    }
    right = sum(name == EXPECTED[source] for source, name in pairs)
    seconds = run.upstream(CATEGORIES, "the benchmark").seconds
    return {"all": share(right, len(pairs)), "sources": by_source, "seconds": round(seconds, 1)}


def samples(rows: pa.Table, budget: int, clusters: int) -> dict[str, Any]:
    """Three ways to draw `budget` rows, each with SEEDS seeds; mean, lowest and highest of each measure.

    They are measured by clusters of another number and seed than those that were drawn from.
    """
    vectors, others = vectors_of(rows), clusters * 7 // 10
    numbers, _ = nearest(vectors, kmeans(vectors[: 100 * others], others, seed=12345))
    requests = [request_of(text) for text in rows.column("instruction").to_pylist()]
    measured = {}
    for name, way in (("uniform", None), ("balanced", False), ("balanced over clusters", True)):
        drawn = [measures(vectors, numbers, requests, draw(rows, budget, way, seed)) for seed in range(SEEDS)]
        measured[name] = {key: spread([one[key] for one in drawn]) for key in drawn[0]}
    return {"budget": budget, "clusters": clusters, "measured_by": others, "seeds": SEEDS, "ways": measured}


def draw(rows: pa.Table, budget: int, clusters: bool | None, seed: int) -> np.ndarray:
    """Places of the rows drawn: uniformly (None), balanced by category and source, or evenly over clusters besides."""
    order = np.random.default_rng(seed).permutation(rows.num_rows)
    if clusters is None:
        return order[:budget]
    numbers = rows.column("cluster").to_pylist() if clusters else [-1] * rows.num_rows
    strata = [
        (EXPECTED[source], source, cluster) for source, cluster in zip(rows.column("source").to_pylist(), numbers, strict=True)
    ]
    left = of_strata(dict(Counter(strata)), BalanceSettings(categories=WEIGHTS), budget)
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
    counts = np.bincount(numbers[chosen], minlength=int(numbers.max()) + 1)
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
