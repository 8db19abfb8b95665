"""The card as one HTML file that works offline, in the look of a run's report."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from selfj import __version__
from selfj.card import drawings, tables
from selfj.card.facts import Facts
from selfj.card.lengths import classes, in_words
from selfj.config import as_dict
from selfj.evaluate.report.charts import Chart
from selfj.evaluate.report.rendering import environment


@dataclass(frozen=True)
class Length:
    """Lengths of one kind of text."""

    title: str
    about: str
    chart: Chart | None
    classes: Mapping[str, int]


@dataclass(frozen=True)
class Page:
    """All that the page shows."""

    facts: Facts

    @cached_property
    def sections(self) -> dict[str, str]:
        """Id and title of each part that has something to show."""
        facts, details = self.facts, self.facts.details
        there: dict[str, tuple[str, Any]] = {
            "sources": ("Sources", facts.sources),
            "categories": ("Categories", details["categories"]),
            "diversity": ("Diversity", facts.diversity),
            "lengths": ("Lengths", facts.texts.instruction),
            "verbs": ("What is asked for", facts.texts.kinds),
            "languages": ("Languages", facts.texts.languages),
            "licences": ("Licences", facts.texts.licences),
            "duplicates": ("Duplicates", facts.exact_duplicates or facts.near),
            "rejected": ("What was rejected", facts.filters),
            "settings": ("Settings", True),
        }
        return {key: title for key, (title, content) in there.items() if content}

    @property
    def lengths(self) -> list[Length]:
        """Lengths of instructions and references."""
        texts = self.facts.texts
        return [
            _length("Instructions", texts.instruction, "--series-blue"),
            _length("References", texts.reference, "--series-green"),
        ]

    @cached_property
    def rings(self) -> Chart | None:
        """Verbs and objects; None if no request was found."""
        verbs = tables.verbs(self.facts)
        return drawings.rings("verbs", verbs) if verbs else None

    @property
    def verbs(self) -> list[tuple[str, int, str]]:
        """Verb, requests, and its objects in words."""
        found = tables.verbs(self.facts)
        return [(verb, objects.total(), _listed(objects)) for verb, objects in found.items()]

    @property
    def settings_text(self) -> str:
        """The settings of the step as YAML."""
        return yaml.safe_dump({"collect": as_dict(self.facts.settings.collect)}, sort_keys=False, allow_unicode=True)


def _length(title: str, counts: Counter[int], hue: str) -> Length:
    drawn = drawings.lengths(f"lengths-{title.lower()}", counts, hue) if counts else None
    return Length(title, in_words(counts), drawn, {name: count for name, count in classes(counts).items() if count})


def _listed(objects: Counter[str]) -> str:
    return ", ".join(f"{noun or 'no object'} {count:,}" for noun, count in objects.most_common(6))


def html(facts: Facts) -> str:
    """The page; every text from data is escaped."""
    template = environment("selfj.card").get_template("card.html.jinja")
    return str(template.render(page=Page(facts), facts=facts, tables=tables, version=__version__))
