"""A data card of a finished collection, in Markdown: where its instructions come from, what they are, and what was rejected."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from selfj.collect.sources import name_of
from selfj.collect.words import count_words
from selfj.config import Settings, SourceSettings
from selfj.run import RunFolder

_BEGINNINGS = 20
_BAR = 30
"""Characters of the longest bar."""
_LENGTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Lower bounds of the classes of length, in words."""


@dataclass
class Texts:
    """What the texts of a collection are like, counted part by part."""

    instruction: Counter[int] = field(default_factory=Counter)
    """Words of an instruction → instructions."""
    reference: Counter[int] = field(default_factory=Counter)
    beginnings: Counter[str] = field(default_factory=Counter)
    """First word, in lower case."""


def data_card(run: RunFolder, settings: Settings) -> str:
    """The card of a finished collection. Raises RunFolderError if it is not finished."""
    details = run.upstream("instructions", "the data card").details
    texts = texts_of(run)
    return "\n".join(
        [
            f"# {settings.name}: {details['rows_out']:,} instructions",
            "",
            f"{details['rows_in']:,} rows read = {details['rows_out']:,} kept + {details['rejected']:,} rejected. Splits: "
            + ", ".join(f"{name} {count:,}" for name, count in sorted(details["splits"].items())),
            *_section("Sources", _sources(settings.collect.sources, details["sources"])),
            *_section("Categories", _bars("category", details["categories"])),
            *_section("Words of an instruction", [_median(texts.instruction), "", *_bars("words", classes(texts.instruction))]),
            *_section("Words of a reference", [_median(texts.reference), "", *_bars("words", classes(texts.reference))]),
            *_section("How instructions begin", _bars("first word", dict(texts.beginnings.most_common(_BEGINNINGS)))),
            *_section("Rejected", _bars("reason", details["reasons"])),
            "",
        ]
    )


def texts_of(run: RunFolder) -> Texts:
    """Lengths and first words of all instructions; one part is in memory at a time."""
    texts, table = Texts(), run.table("instructions")
    for part in table.parts():
        rows = table.read(part, ["instruction", "reference"])
        asked = rows.column("instruction").to_pylist()
        texts.instruction.update(map(count_words, asked))
        texts.reference.update(map(count_words, rows.column("reference").to_pylist()))
        texts.beginnings.update(filter(None, map(first_word, asked)))
    return texts


def first_word(text: str) -> str:
    """The first word in lower case, without punctuation; empty if it is none."""
    word = (text.split(maxsplit=1) or [""])[0].strip(".,:;!?\"'()").lower()
    return word if word.isalpha() else ""


def classes(lengths: Counter[int]) -> dict[str, int]:
    """Texts by class of length; the last class is open."""
    bounds = [*zip(_LENGTHS, [bound - 1 for bound in _LENGTHS[1:]], strict=False), (_LENGTHS[-1], None)]
    named = {(f"{low}–{high}" if high != low else str(low)) if high else f"{low} or more": (low, high) for low, high in bounds}
    return {name: sum(_within(lengths, low, high)) for name, (low, high) in named.items()}


def _within(lengths: Counter[int], low: int, high: int | None) -> Iterator[int]:
    return (count for length, count in lengths.items() if length >= low and (high is None or length <= high))


def _median(lengths: Counter[int]) -> str:
    return f"Median {statistics.median(lengths.elements()):g}, longest {max(lengths):,}." if lengths else "None."


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"## {title}", "", *lines]


def _bars(name: str, counts: dict[str, int]) -> list[str]:
    most = max(counts.values(), default=0)
    rows = [
        f"| {_plain(key)} | {count:,} | {'█' * round(_BAR * count / most) if most else ''} |" for key, count in counts.items()
    ]
    return [f"| {name} | count | |", "|---|---:|---|", *rows]


def _sources(sources: list[SourceSettings], details: dict[str, Any]) -> list[str]:
    columns: dict[str, Callable[[SourceSettings, dict[str, Any]], str]] = {
        "source": lambda source, _: _plain(name_of(source)),
        "category": lambda source, _: source.category or "by row",
        "licence": lambda source, _: _plain(source.licence) or "not stated",
        "read": lambda _, counts: f"{counts['read']:,}",
        "kept": lambda _, counts: f"{counts['kept']:,}",
        "published": lambda source, _: "" if source.published is None else f"{source.published:,}",
        "problems": lambda _, counts: _plain("; ".join(counts.get("problems", {}).values())),
    }
    lines = [[cell(source, details[name_of(source)]) for cell in columns.values()] for source in sources]
    return [f"| {' | '.join(cells)} |" for cells in [list(columns), ["---"] * len(columns), *lines]]


def _plain(text: str) -> str:
    return text.replace("|", "\\|")
