"""The card as Markdown."""

from collections.abc import Mapping

from selfj.card.diversity import Diversity
from selfj.card.facts import Facts, Source
from selfj.card.lengths import classes, in_words
from selfj.card.tables import (
    ABOUT_VERBS,
    beginnings,
    categories_by_source,
    classified,
    duplicates,
    held_out_lines,
    languages,
    licences,
    rejects,
    requests,
)

_BAR = 30
"""Characters of the longest bar."""


def markdown(facts: Facts) -> str:
    """The whole card."""
    details, texts = facts.details, facts.texts
    splits = ", ".join(f"{name} {count:,}" for name, count in sorted(details["splits"].items()))
    sections = {
        "Sources": _sources(facts.sources),
        "Categories": [*_bars("category", details["categories"]), "", *_table(*categories_by_source(facts))],
        "Categories by the classifier": _classifier(facts),
        "Diversity": _diversity(facts.diversity),
        "Words of an instruction": [in_words(texts.instruction), "", *_bars("words", classes(texts.instruction))],
        "Words of a reference": [in_words(texts.reference), "", *_bars("words", classes(texts.reference))],
        "Verbs and their objects": [ABOUT_VERBS, "", *_bars("verb and object", requests(facts))],
        "How instructions begin": _bars("first word", beginnings(facts)),
        "Languages": _bars("language", languages(facts)),
        "Licences": _bars("licence", licences(facts)),
        "Duplicates": _bars("kind", duplicates(facts)),
        "Rejected": _table(*rejects(facts)),
    }
    lines = [
        f"# {facts.settings.name}: {details['rows_out']:,} instructions",
        "",
        f"{details['rows_in']:,} rows read = {details['rows_out']:,} kept + {details['rejected']:,} rejected. Splits: {splits}",
    ]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content] if content else []
    return "\n".join([*lines, ""])


def _bars(name: str, counts: Mapping[str, int]) -> list[str]:
    most = max(counts.values(), default=0)
    rows = [[key, f"{count:,}", "█" * round(_BAR * count / most) if most else ""] for key, count in counts.items()]
    return _table([name, "count", ""], rows, right=(1,))


def _table(head: list[str], rows: list[list[str]], right: tuple[int, ...] = ()) -> list[str]:
    if not rows:
        return []
    rule = ["---:" if place in right else "---" for place in range(len(head))]
    lines = [_row(head), f"|{'|'.join(rule)}|"]
    return [*lines, *(_row(list(map(_plain, cells))) for cells in rows)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _sources(sources: list[Source]) -> list[str]:
    head = ["source", "category", "licence", "read", "kept", "published", "problems"]
    return _table(head, [_source(source) for source in sources], right=(3, 4, 5))


def _source(source: Source) -> list[str]:
    published = "" if source.published is None else f"{source.published:,}"
    category, licence = source.category or "by row", source.licence or "not stated"
    return [source.name, category, licence, f"{source.read:,}", f"{source.kept:,}", published, source.problems]


def _classifier(facts: Facts) -> list[str]:
    if not facts.classifier:
        return []
    return [classified(facts.classifier), *(f"\n{line}" for line in held_out_lines(facts.classifier))]


def _diversity(found: Diversity | None) -> list[str]:
    if not found:
        return []
    similar = ("" if value is None else f"{value:.3f}" for value in (found.similarity, found.similarity_uniform))
    rows = [
        ["clusters covered", f"{found.covered:.1%}", f"{found.covered_uniform:.1%}"],
        ["clusters of equal size", f"{found.effective:.0f}", f"{found.effective_uniform:.0f}"],
        [f"similarity to the nearest of {found.compared:,}", *similar],
    ]
    about = f"{found.kept:,} of {found.candidates:,} instructions in {found.clusters:,} clusters of embedding space."
    return [about, "", *_table(["", "kept", "a uniform sample"], rows, right=(1, 2))]


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
