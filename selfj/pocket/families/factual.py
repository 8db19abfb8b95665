"""Families about facts: one attribute of an entity, or (the trap) several at once, of which the web forgets some."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selfj.pocket.facts import Entity, pick
from selfj.pocket.items import Draft, Family, Slot, Values
from selfj.pocket.language import VOCABULARIES


@dataclass(frozen=True)
class Attribute:
    """How one attribute is asked for and told."""

    label: str
    """Its name in a question for several attributes."""
    questions: tuple[str, ...]
    """Questions for this attribute alone; {} is the entity."""
    sentences: tuple[str, ...]
    """Full sentences; {0} is the entity, {1} the value."""
    clause: str
    """A sentence that follows another one about the same entity; {} is the value."""


@dataclass(frozen=True)
class FactSheet:
    """The entities of one kind and their attributes."""

    entities: tuple[Entity, ...]
    attributes: Mapping[str, Attribute]

    def draw(self, rng: random.Random, popularity: float) -> Draft:
        """Ask for one attribute or, as a trap, for two or three."""
        entity = pick(rng, self.entities, popularity)
        count = 1 if rng.random() < 0.5 else rng.choice((2, 2, 3))
        wanted = set(rng.sample([kind for kind, _ in entity.attributes], count))
        slots = [(kind, value) for kind, value in entity.attributes if kind in wanted]
        return Draft(
            question=self._question(rng, entity.name, [kind for kind, _ in slots]),
            slots=tuple(Slot(kind if kind in VOCABULARIES else "number", value) for kind, value in slots),
            difficulty=count,
            trap=count > 1,
            context=(entity.name, *(kind for kind, _ in slots)),
        )

    def _question(self, rng: random.Random, name: str, kinds: list[str]) -> str:
        if len(kinds) == 1:
            return rng.choice(self.attributes[kinds[0]].questions).format(name)
        labels = [self.attributes[kind].label for kind in kinds]
        wanted = ", ".join(labels[:-1]) + " and " + labels[-1]
        return rng.choice(("Give the {} of {}.", "Tell me the {} of {}.", "What are the {} of {}?")).format(wanted, name)

    def say(self, rng: random.Random, values: Values, draft: Draft) -> str:
        """Tell the values in order; a None is left out."""
        name, *kinds = draft.context
        told = [(self.attributes[kind], value) for kind, value in zip(kinds, values, strict=True) if value is not None]
        first, *rest = told
        sentences = [rng.choice(first[0].sentences).format(name, first[1])]
        return " ".join(sentences + [attribute.clause.format(value) for attribute, value in rest])

    def err(self, rng: random.Random, draft: Draft) -> str:
        """Leave parts out, or tell another attribute than the one asked for."""
        name, *kinds = draft.context
        if draft.trap:
            kept = 0 if rng.random() < 0.7 else len(kinds) - 2
            return self.say(rng, tuple(value if place <= kept else None for place, value in enumerate(draft.right)), draft)
        entity = next(entity for entity in self.entities if entity.name == name)
        others = [(kind, value) for kind, value in entity.attributes if kind != kinds[0]]
        kind, value = others[-1] if rng.random() < 0.7 else others[0]
        return rng.choice(self.attributes[kind].sentences).format(name, value)

    def family(self, name: str, category: str) -> Family:
        """Return the family of questions about this sheet."""
        return Family(name, category, self.draw, self.say, self.err)
