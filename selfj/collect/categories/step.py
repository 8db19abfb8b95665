"""The table `categories`: what a classifier says of the instructions of `unique`."""

import dataclasses
import functools
from collections import Counter
from typing import Any

from selfj.collect.categories.asking import AskedMaker
from selfj.collect.categories.centroids import CentroidMaker, NearestMaker, held_out_counts
from selfj.collect.categories.examples import ExampleMaker, content_of_examples
from selfj.collect.categories.records import CATEGORIES, CENTROIDS, EXAMPLES
from selfj.collect.collected import STEP
from selfj.collect.embedded import find_embeddings
from selfj.collect.embedded.rows import Remaining
from selfj.collect.embedded.step import embedded_by, embedding_pool
from selfj.collect.summary import kind_of
from selfj.config import Settings, absolute_path, as_dict, located
from selfj.engine import content_of_model, engine_pool
from selfj.parts import Pool, Table, make_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest

_DECISION = ("min_similarity", "min_margin")
"""Settings of centroids that only decide whether the nearest one is taken."""


def find_categories(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> Manifest:
    """Make the table `categories` from the finished table `unique`.

    `manifest.details` counts what was found, and what could not be decided by kind of reason; by centroids also the held-out
    examples by their category and the one found. Raises DataError if there are no examples to tell categories by.
    """
    asked = settings.collect.classifier.kind == "policy"
    made = _asked(run, settings, unique, remaining) if asked else _nearest(run, settings, unique, remaining)
    if not made.details:
        made.details = {"kind": settings.collect.classifier.kind, **_counts(run)}
        if not asked:
            made.details["held_out"] = held_out_counts(run, settings.collect.classifier.centroids)
        run.table(CATEGORIES).write_manifest(made)
        print(f"{STEP}: {_line(made.details)}", flush=True)
    return made


def _asked(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> Manifest:
    chosen = settings.collect.classifier
    inputs = {**remaining.inputs(run, unique), **content_of_model(settings.policy)}
    values = {"rows": chosen.rows, "asked": as_dict(chosen.asked), "prompts": settings.prompts}
    fingerprint = Fingerprint({**values, "policy": as_dict(settings.policy, resources=False)}, inputs)
    table = Table(CATEGORIES, STEP, fingerprint, list(range(unique.parts)))
    return make_table(run, table, functools.partial(AskedMaker, located(settings), remaining), engine_pool(settings.engine))


def _nearest(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> Manifest:
    chosen = settings.collect.classifier
    centroids = _centroids(run, settings, unique, remaining)
    embeddings = find_embeddings(run, settings, unique, remaining)
    values = {"rows": chosen.rows, **{name: getattr(chosen.centroids, name) for name in _DECISION}}
    inputs = {CENTROIDS: centroids.fingerprint.digest, "embeddings": embeddings.fingerprint.digest}
    table = Table(CATEGORIES, STEP, Fingerprint(values, inputs), list(range(unique.parts)))
    maker = functools.partial(NearestMaker, chosen.centroids, remaining, chosen.rows == "missing")
    return make_table(run, table, maker, Pool(settings.collect.workers, tasks=True))


def _centroids(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> Manifest:
    """The tables `category_examples` and `centroids`."""
    chosen = settings.collect.classifier.centroids
    path = absolute_path(chosen.examples) if chosen.examples else ""
    inputs = {**(content_of_examples(path) if path else remaining.inputs(run, unique)), **embedded_by(settings.score)}
    values = {"max_examples": chosen.max_examples, "held_out": chosen.held_out, "embedding_model": settings.score.embedding_model}
    examples = Table(EXAMPLES, STEP, Fingerprint(values, inputs), [0])
    maker = functools.partial(ExampleMaker, dataclasses.replace(chosen, examples=path), located(settings).score, remaining)
    made = make_table(run, examples, maker, embedding_pool(settings.score))
    fingerprint = Fingerprint({"per_category": chosen.per_category, "seed": settings.seed}, {EXAMPLES: made.fingerprint.digest})
    centroids = Table(CENTROIDS, STEP, fingerprint, [0])
    return make_table(run, centroids, functools.partial(CentroidMaker, chosen, settings.seed), Pool(tasks=True))


def _counts(run: RunFolder) -> dict[str, Any]:
    """Rows by category, and by the kind of reason for none."""
    categories, reasons = Counter[str](), Counter[str]()
    table = run.table(CATEGORIES)
    for part in table.parts():
        rows = table.read(part, ["category", "reason"])
        categories.update(name for name in rows.column("category").to_pylist() if name is not None)
        reasons.update(kind_of(reason) for reason in rows.column("reason").to_pylist() if reason is not None)
    return {"categories": dict(categories.most_common()), "undecided": dict(reasons.most_common())}


def _line(details: dict[str, Any]) -> str:
    shown = ", ".join(f"{name} {count:,}" for name, count in details["categories"].items()) or "none"
    undecided = details["undecided"]
    because = f" ({', '.join(f'{name} {count:,}' for name, count in undecided.items())})" if undecided else ""
    return f"classified by {details['kind']}: {shown}; undecided {sum(undecided.values()):,}{because}"
