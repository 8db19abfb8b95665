"""The table `centroids`, and the nearest of them: an instruction belongs to the category of the nearest centroid."""

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.categories.records import CENTROIDS, EXAMPLES, Category, Floats, decided
from selfj.collect.embedded.kmeans import kmeans, nearest
from selfj.collect.embedded.rows import Remaining, without_category
from selfj.collect.embedded.vectors import Vectors, to_vectors, vectors_of
from selfj.collect_settings import CentroidSettings
from selfj.errors import DataError
from selfj.parts import MadePart
from selfj.records import stable_seed, to_table
from selfj.run import RunFolder

UNIT = "similarity"


class CentroidMaker:
    """Makes the only part of `centroids`, from the examples that are not held out."""

    def __init__(self, settings: CentroidSettings, seed: int) -> None:
        self.settings = settings
        self.seed = seed

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The centroids of all categories, sorted by category. Raises DataError if a category has no example left to make one."""
        examples = run.table(EXAMPLES).read(0)
        names = sorted(set(examples.column("category").to_pylist()))
        made = [self._of_category(examples, name) for name in names]
        categories = [name for name, centres in zip(names, made, strict=True) for _ in centres]
        rows = to_vectors(pa.chunked_array([pa.array(categories)]), np.concatenate(made))
        return MadePart(rows.rename_columns(["category", "embedding"]), [], rows.num_rows)

    def _of_category(self, examples: pa.Table, name: str) -> Vectors:
        chosen = pc.and_(pc.equal(examples.column("category"), name), pc.invert(examples.column("held_out")))
        vectors = vectors_of(examples.filter(chosen))
        if not len(vectors):
            raise DataError(
                f"collect.classifier: all examples of {name!r} are held out; give more, or set centroids.held_out to 0"
            )
        return kmeans(vectors, self.settings.per_category, stable_seed(self.seed, name))


class Centroids:
    """Labelled centroids."""

    def __init__(self, rows: pa.Table) -> None:
        """`rows`: the table `centroids`."""
        categories = rows.column("category").to_pylist()
        self.vectors = vectors_of(rows)
        self.names = list(dict.fromkeys(categories))
        self.begins = [categories.index(name) for name in self.names]

    def similarities(self, vectors: Vectors) -> Floats:
        """Cosine to the nearest centroid of each category: (rows, categories)."""
        pieces = np.split(self.vectors, self.begins[1:])
        return np.stack([nearest(vectors, piece)[1] for piece in pieces], axis=1)


class NearestMaker:
    """Makes part k of `categories` from part k of `embeddings`."""

    def __init__(self, settings: CentroidSettings, remaining: Remaining, only_missing: bool) -> None:
        self.settings = settings
        self.remaining = remaining
        self.only_missing = only_missing
        self.centroids: Centroids | None = None

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The category of each instruction of one part, or why it has none."""
        if self.centroids is None:
            self.centroids = Centroids(run.table(CENTROIDS).read(0))
        rows = run.table("embeddings").read(part)
        if self.only_missing:
            wanted = without_category(self.remaining.rows(run, part, ["instruction_id", "category"]))
            rows = rows.filter(pc.is_in(rows.column("instruction_id"), wanted.column("instruction_id").combine_chunks()))
        found = categories_of(rows, self.centroids, self.settings)
        return MadePart(to_table(Category, found), [], len(found))


def categories_of(rows: pa.Table, centroids: Centroids, settings: CentroidSettings) -> list[Category]:
    """What the nearest centroids say of rows with instruction_id and embedding."""
    keys = rows.column("instruction_id").to_pylist()
    scores = centroids.similarities(vectors_of(rows))
    return decided(keys, centroids.names, scores, settings.min_similarity, settings.min_margin, UNIT)


def held_out_counts(run: RunFolder, settings: CentroidSettings) -> dict[str, dict[str, int]]:
    """Held-out examples by their category and the one that the centroids give; `null`: none."""
    examples = run.table(EXAMPLES).read(0)
    examples = examples.filter(examples.column("held_out"))
    found = categories_of(examples, Centroids(run.table(CENTROIDS).read(0)), settings)
    return confusion(examples.column("category").to_pylist(), [row.category for row in found])


def confusion(labels: list[str], found: list[str | None]) -> dict[str, dict[str, int]]:
    """Label → what was found → rows."""
    counts: dict[str, Counter[Any]] = {name: Counter() for name in sorted(set(labels))}
    for label, category in zip(labels, found, strict=True):
        counts[label][category or "null"] += 1
    return {name: dict(count.most_common()) for name, count in counts.items()}
