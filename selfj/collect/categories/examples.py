"""Labelled examples: from a file, or from the sources whose category is set; embedded, they are the table `category_examples`."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.embedded.rows import Remaining
from selfj.collect.embedded.vectors import to_vectors
from selfj.collect.fields import first_label, optional_text
from selfj.collect.formats import RowProblem
from selfj.collect.formats.base import RawRow
from selfj.collect.sources import plan_source, read_shard
from selfj.collect_settings import CentroidSettings, CollectSettings, SourceSettings
from selfj.config import ScoreSettings
from selfj.errors import DataError
from selfj.parts import MadePart
from selfj.records import instruction_id, stable_seed
from selfj.run import RunFolder
from selfj.score.similarity import Embedder

_SETTING = "collect.classifier.centroids.examples"
_COLUMNS = ["instruction_id", "instruction", "category"]


@dataclass(frozen=True, order=True)
class Example:
    """An instruction whose category is known."""

    key: str
    """Its instruction_id."""
    instruction: str
    category: str


def examples_of_file(settings: CentroidSettings) -> list[Example]:
    """At most `max_examples` of each category, those with the lowest hashes, sorted by them.

    Raises DataError, which names file and row, for one without instruction or category.
    """
    by_category: dict[str, dict[str, Example]] = defaultdict(dict)
    for example in _read(settings.examples):
        by_category[example.category].setdefault(example.key, example)
    chosen = (heapq.nsmallest(settings.max_examples, found.values()) for found in by_category.values())
    return sorted(example for found in chosen for example in found)


def _read(path: str) -> Iterator[Example]:
    settings, source = _as_source(path)
    for shard in plan_source(0, settings).shards:
        for raw in read_shard(shard, settings):
            try:
                yield _example(raw, source)
            except RowProblem as problem:
                where = f", column {problem.field}" if problem.field else ""
                raise DataError(f"{_SETTING}: {path}, row {raw.row}{where}: {problem.reason}") from None


def _example(raw: RawRow, source: SourceSettings) -> Example:
    if raw.values is None:
        raise raw.problem or RowProblem("unreadable row")
    text = optional_text(raw.values, source.fields.instruction)
    given_input = optional_text(raw.values, source.fields.input)
    category = first_label(raw.values, source.fields.category)
    if text is None or category is None:
        raise RowProblem("empty or missing", "category" if text else "instruction")
    whole = f"{text}\n\n{given_input}" if given_input else text
    return Example(instruction_id(whole), whole, category)


def content_of_examples(path: str) -> dict[str, str]:
    """Hash of each file with examples: what a run's fingerprint must hold."""
    settings, _ = _as_source(path)
    return {f"examples {label}": content for label, content in plan_source(0, settings).inputs.items()}


def _as_source(path: str) -> tuple[CollectSettings, SourceSettings]:
    source = SourceSettings(path=path)
    return CollectSettings(sources=[source]), source


def examples_of_sources(run: RunFolder, remaining: Remaining, most: int) -> list[Example]:
    """At most `most` of the rows of each category that a source gave, those with the lowest ids, sorted by them."""
    counts: dict[str, int] = defaultdict(int)
    found: list[Example] = []
    for part in run.table("unique").parts():
        categories = remaining.rows(run, part, ["instruction_id", "category"]).column("category").to_pylist()
        wanted = []
        for place, category in enumerate(categories):
            if category and counts[category] < most:
                counts[category] += 1
                wanted.append(place)
        if wanted:
            rows = remaining.rows(run, part, _COLUMNS).take(pa.array(wanted))
            found += [Example(*values) for values in zip(*(rows.column(name).to_pylist() for name in _COLUMNS), strict=True)]
    return found


def is_held_out(key: str, share: float) -> bool:
    """Whether an example tells how good the centroids are, rather than making them: by hash, apart from the run's splits."""
    return stable_seed("held-out example", key) / 2**63 < share


class ExampleMaker:
    """Makes the only part of `category_examples`."""

    def __init__(self, settings: CentroidSettings, score: ScoreSettings, remaining: Remaining) -> None:
        self.settings = settings
        self.remaining = remaining
        self.embedder = Embedder(score.embedding_model, score.embedding_batch)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """All examples with their vectors. Raises DataError if fewer than two categories have any."""
        if self.settings.examples:
            examples = examples_of_file(self.settings)
        else:
            examples = examples_of_sources(run, self.remaining, self.settings.max_examples)
        check_categories([example.category for example in examples], self.settings.examples)
        ids = pa.chunked_array([pa.array([example.key for example in examples])])
        rows = to_vectors(ids, self.embedder.embed([example.instruction for example in examples]))
        held_out = [is_held_out(example.key, self.settings.held_out) for example in examples]
        categories = pa.array([example.category for example in examples])
        made = rows.append_column("category", categories).append_column("held_out", pa.array(held_out))
        return MadePart(made, [], made.num_rows)


def check_categories(found: list[str], path: str) -> None:
    """Raise DataError if there is nothing to choose between."""
    counts = {item["values"]: item["counts"] for item in pc.value_counts(pa.array(found, pa.string())).to_pylist()}
    if len(counts) < 2:
        there = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
        where = path or "the sources whose category is set"
        raise DataError(f"{_SETTING}: examples of two categories or more are needed; in {where}: {there}")
