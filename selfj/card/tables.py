"""What both cards list: names and numbers, the most frequent first."""

from collections import Counter
from typing import Any

from selfj.card.facts import Facts

MOST = 20
"""Rows of a list of what is most frequent."""
ABOUT_VERBS = (
    "What requests ask for, in a uniform sample: the verb at the head of a clause and its first object, found by a rule with a "
    "lexicon, not by a parser."
)
NOT_STATED = "not stated"
TOO_SHORT = "too short to tell"


def beginnings(facts: Facts) -> dict[str, int]:
    """First words."""
    return dict(facts.texts.beginnings.most_common(MOST))


def requests(facts: Facts) -> dict[str, int]:
    """Verbs with objects."""
    pairs = {f"{verb} {noun}": count for (verb, noun), count in facts.texts.requests.most_common() if noun}
    return dict(list(pairs.items())[:MOST])


def verbs(facts: Facts) -> dict[str, Counter[str]]:
    """Verb → object → requests, of the most frequent verbs; requests without an object stand under an empty one."""
    totals, objects = Counter[str](), dict[str, Counter[str]]()
    for (verb, noun), count in facts.texts.requests.items():
        totals[verb] += count
        objects.setdefault(verb, Counter())[noun] += count
    return {verb: objects[verb] for verb, _ in totals.most_common(MOST)}


def languages(facts: Facts) -> dict[str, int]:
    """ISO 639-1 codes in the sample."""
    return {name or TOO_SHORT: count for name, count in facts.texts.languages.most_common(MOST)}


def licences(facts: Facts) -> dict[str, int]:
    """Licences of the rows that were kept."""
    return {name or NOT_STATED: count for name, count in facts.texts.licences.most_common()}


def duplicates(facts: Facts) -> dict[str, int]:
    """Rows that were dropped as duplicates; near ones only where they were looked for."""
    found = {"exact": facts.exact_duplicates}
    if facts.near:
        found |= {"near": facts.near.dropped, "clusters of near duplicates": facts.near.clusters}
        found["largest cluster"] = facts.near.largest + 1 if facts.near.clusters else 0
    return found


def rejects(facts: Facts) -> tuple[list[str], list[list[str]]]:
    """Filter, rejected rows, their share of all, reasons."""
    rows = [
        [row.name, f"{row.rejected:,}", f"{row.rejected / max(1, facts.details['rows_in']):.2%}", _kinds(row.kinds)]
        for row in sorted(facts.filters, key=lambda row: -row.rejected)
    ]
    return ["filter", "rejected", "of all", "reasons"], rows


def _kinds(kinds: Counter[str]) -> str:
    shown = ", ".join(f"{kind} {count:,}" for kind, count in kinds.most_common(5))
    return f"{shown}, …" if len(kinds) > 5 else shown


def categories_by_source(facts: Facts) -> tuple[list[str], list[list[str]]]:
    """Instructions of each source in each category; nothing where every source has one alone."""
    names, counts = list(facts.details["categories"]), facts.texts.categories
    if all(len(of_source) < 2 for of_source in counts.values()):
        return [], []
    order = sorted(counts, key=lambda source: -counts[source].total())
    return ["source", *names], [[source, *(f"{counts[source][name]:,}" for name in names)] for source in order]


def classified(details: dict[str, Any]) -> str:
    """How many rows the classifier was asked about, and what it left open."""
    found, undecided = sum(details["categories"].values()), details["undecided"]
    by = "the nearest centroid of labelled examples" if details["kind"] == "centroids" else "a prompt to the policy"
    text = f"{found + sum(undecided.values()):,} rows were classified by {by}; {sum(undecided.values()):,} were left open"
    because = ", ".join(f"{reason}: {count:,}" for reason, count in undecided.items())
    return f"{text} ({because})." if undecided else f"{text}."


def held_out_lines(details: dict[str, Any]) -> list[str]:
    """How often held-out examples got the category that they have; nothing if none were held out."""
    counts = details.get("held_out") or {}
    if not counts:
        return []
    right = sum(found.get(label, 0) for label, found in counts.items())
    rows = sum(sum(found.values()) for found in counts.values())
    lines = [f"Of {rows:,} held-out examples {right:,} ({right / rows:.1%}) got the category that they have:"]
    for label, found in counts.items():
        lines.append(f"- {label}: " + ", ".join(f"{name if name != 'null' else 'left open'} {n:,}" for name, n in found.items()))
    return lines


def found_names(counts: dict[str, dict[str, int]]) -> list[str]:
    """Categories of a confusion table's columns: those of its rows, then what else was found."""
    return list(dict.fromkeys([*counts, *(name for found in counts.values() for name in found)]))
