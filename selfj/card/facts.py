"""What a finished collection holds, counted part by part."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from selfj.card.diversity import Diversity, diversity_of, is_sampled
from selfj.card.verbs import request_of
from selfj.collect.categories.records import CATEGORIES
from selfj.collect.explain import Explained, explain
from selfj.collect.quality.language import language_of
from selfj.collect.sources import name_of
from selfj.collect.summary import source_of
from selfj.collect.words import count_words
from selfj.collect_settings import SourceSettings
from selfj.config import Settings
from selfj.run import RunFolder
from selfj.tables import Manifest

SAMPLE = 20_000
"""Instructions whose verbs and language are looked at."""
SHORTEST = 40
"""Characters below which a language is not told."""
_COLUMNS = ["instruction_id", "instruction", "reference", "category", "source", "metadata"]


@dataclass
class Texts:
    """What the instructions are like."""

    instruction: Counter[int] = field(default_factory=Counter)
    """Words of an instruction → instructions."""
    reference: Counter[int] = field(default_factory=Counter)
    beginnings: Counter[str] = field(default_factory=Counter)
    """First word, in lower case."""
    categories: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Source → category → instructions."""
    licences: Counter[str] = field(default_factory=Counter)
    """Licence of a row; empty if none is stated."""
    kinds: Counter[str] = field(default_factory=Counter)
    """Of the sample: request, question, other."""
    requests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of the requests of the sample: verb and object (which may be empty)."""
    languages: Counter[str] = field(default_factory=Counter)
    """Of the sample: ISO 639-1 code; empty where the text is too short to tell."""


@dataclass(frozen=True)
class Source:
    """One source as the card lists it."""

    name: str
    category: str
    """As the settings say; empty if rows have their own, or none."""
    licence: str
    read: int
    kept: int
    published: int | None
    problems: str


@dataclass(frozen=True)
class NearClusters:
    """Near duplicates: how many were dropped, for how many that were kept, and at most for one."""

    dropped: int
    clusters: int
    largest: int


@dataclass(frozen=True)
class Facts:
    """All that a card tells."""

    settings: Settings
    details: dict[str, Any]
    """Of the table `instructions`: rows in, out, rejected, reasons, splits, categories."""
    sources: list[Source]
    texts: Texts
    filters: list[Explained]
    near: NearClusters | None
    diversity: Diversity | None
    classifier: dict[str, Any] | None
    """What the classifier found (details of the table `categories`)."""
    fingerprint: str

    @property
    def exact_duplicates(self) -> int:
        """Rows that repeat an earlier instruction."""
        return int(self.details["reasons"].get("duplicate", 0))

    @property
    def sampled(self) -> int:
        """Instructions whose verbs and language were looked at."""
        return sum(self.texts.kinds.values())


def facts_of(run: RunFolder, settings: Settings) -> Facts:
    """The facts of a finished collection; one part is in memory at a time. Raises RunFolderError if it is not finished."""
    manifest = run.upstream("instructions", "the data card")
    details, chosen = manifest.details, settings.collect.sources
    return Facts(
        settings=settings,
        details=details,
        sources=[_source(source, details["sources"][name_of(source)]) for source in chosen],
        texts=texts_of(run, [name_of(source) for source in chosen], manifest.rows_out),
        filters=[row for row in explain(run, settings.collect, examples=0) if row.rejected],
        near=near_clusters(run),
        diversity=diversity_of(run),
        classifier=_details(run.table(CATEGORIES).manifest()),
        fingerprint=manifest.fingerprint.digest,
    )


def _details(manifest: Manifest | None) -> dict[str, Any] | None:
    return manifest.details if manifest else None


def _source(source: SourceSettings, counts: dict[str, Any]) -> Source:
    return Source(
        name_of(source),
        source.category,
        source.licence,
        counts["read"],
        counts["kept"],
        source.published,
        "; ".join(counts.get("problems", {}).values()),
    )


def texts_of(run: RunFolder, names: list[str], rows: int) -> Texts:
    """Counts over all instructions, verbs and languages over a uniform sample; `names` are the sources'."""
    texts, table = Texts(), run.table("instructions")
    for part in table.parts():
        _add(texts, table.read(part, _COLUMNS), names, SAMPLE / max(1, rows))
    return texts


def _add(texts: Texts, rows: pa.Table, names: list[str], share: float) -> None:
    asked = rows.column("instruction").to_pylist()
    texts.instruction.update(map(count_words, asked))
    texts.reference.update(map(count_words, rows.column("reference").to_pylist()))
    texts.beginnings.update(filter(None, map(first_word, asked)))
    for label, category, count in _pairs(rows):
        texts.categories[source_of(label, names)][category] += count
    texts.licences.update(json.loads(found).get("licence", "") for found in rows.column("metadata").to_pylist())
    for key, text in zip(rows.column("instruction_id").to_pylist(), asked, strict=True):
        if is_sampled(key, share):
            _look_at(texts, text)


def _pairs(rows: pa.Table) -> Iterator[tuple[str, str, int]]:
    counts = rows.group_by(["source", "category"]).aggregate([([], "count_all")])
    yield from zip(*(counts.column(name).to_pylist() for name in ("source", "category", "count_all")), strict=True)


def _look_at(texts: Texts, text: str) -> None:
    request = request_of(text)
    texts.kinds[request.kind] += 1
    if request.verb:
        texts.requests[request.verb, request.noun] += 1
    texts.languages[language_of(text) if len(text) >= SHORTEST else ""] += 1


def first_word(text: str) -> str:
    """The first word in lower case, without punctuation; empty if it is none."""
    word = (text.split(maxsplit=1) or [""])[0].strip(".,:;!?\"'()").lower()
    return word if word.isalpha() else ""


def near_clusters(run: RunFolder) -> NearClusters | None:
    """Near duplicates that were dropped; None if none were looked for."""
    table = run.table("near_duplicates")
    if not table.parts():
        return None
    kept = table.read_all(["kept_id"]).column(0)
    sizes = pc.value_counts(kept).field("counts")
    return NearClusters(len(kept), len(sizes), pc.max(sizes).as_py() or 0)
