"""The filters that the settings turn on."""

from collections.abc import Iterator

from selfj.collect.quality.base import Except, Filter
from selfj.collect.quality.characters import CharacterBounds
from selfj.collect.quality.context import MissingContext
from selfj.collect.quality.language import LanguageShare
from selfj.collect.quality.markup import MarkupLeftovers
from selfj.collect.quality.personal import PersonalData
from selfj.collect.quality.placeholders import Placeholders
from selfj.collect.quality.references import Echo, RefusedReference
from selfj.collect.quality.repetition import Repetition
from selfj.filter_settings import FilterSettings, FilterSwitch

KINDS = {
    "characters": ("too few characters", "too many characters"),
    "reference": ("refused reference", "empty reference"),
    "echo": ("reference repeats the instruction",),
    "placeholders": ("placeholder",),
    "context": ("missing context",),
    "markup": ("markup",),
    "personal": ("personal data",),
    "repetition": ("repetition",),
    "language": ("language",),
}
"""Filter → the kinds of its reasons: what stands before the colon."""


def chosen_filters(settings: FilterSettings) -> list[Filter]:
    """The filters that are on, in the order of the settings; one for each text that a filter looks at."""
    return [
        Except(rule, switch.except_categories) if switch.except_categories else rule
        for switch, rules in _all(settings)
        if switch.enabled
        for rule in rules
    ]


def _all(chosen: FilterSettings) -> Iterator[tuple[FilterSwitch, list[Filter]]]:
    yield (
        chosen.characters,
        [CharacterBounds(chosen.characters, "instruction"), CharacterBounds(chosen.characters, "reference")],
    )
    yield chosen.reference, [RefusedReference(chosen.reference, "reference")]
    yield chosen.echo, [Echo(chosen.echo)]
    yield chosen.placeholders, [Placeholders(chosen.placeholders, field) for field in chosen.placeholders.fields]
    yield chosen.context, [MissingContext(chosen.context, "instruction")]
    yield chosen.markup, [MarkupLeftovers(chosen.markup, field) for field in chosen.markup.fields]
    yield chosen.personal, [PersonalData(chosen.personal, field) for field in chosen.personal.fields]
    yield chosen.repetition, [Repetition(chosen.repetition, field) for field in chosen.repetition.fields]
    yield chosen.language, [LanguageShare(chosen.language, field) for field in chosen.language.fields]
