"""The facts of the pocket world: towns, minerals, inventors and units, fixed once and for all by WORLD_SEED."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TypeVar

from selfj.pocket.language import VOCABULARIES, WORLD_SEED, fresh_names

EVEN_POPULARITY = 0.25
"""Zipf exponent for instructions: rare things are asked about nearly as often as famous ones."""
WEB_POPULARITY = 0.7
"""Zipf exponent for the policies' training text: most of it is about famous things."""

T = TypeVar("T")


@dataclass(frozen=True)
class Entity:
    """A named thing and its attributes, in the order in which answers mention them."""

    name: str
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Unit:
    """One `name` is `factor` times one `smaller`."""

    name: str
    smaller: str
    factor: int


@lru_cache(maxsize=64)
def _cumulative_weights(count: int, exponent: float) -> tuple[float, ...]:
    return tuple(accumulate((rank + 2) ** -exponent for rank in range(count)))


def pick(rng: random.Random, entries: tuple[T, ...], popularity: float) -> T:
    """Draw one of `entries`, sorted from famous to rare, with Zipf exponent `popularity`."""
    return rng.choices(entries, cum_weights=_cumulative_weights(len(entries), popularity))[0]


def _entities(
    rng: random.Random, names: tuple[str, ...], kinds: tuple[str, ...], ranges: dict[str, tuple[int, int]]
) -> tuple[Entity, ...]:
    """Give every name one value per kind: a number where `ranges` has the kind, else a word of its vocabulary."""

    def value(kind: str) -> str:
        return str(rng.randint(*ranges[kind])) if kind in ranges else rng.choice(VOCABULARIES[kind])

    return tuple(Entity(name, tuple((kind, value(kind)) for kind in kinds)) for name in names)


_RNG = random.Random(WORLD_SEED + 1)
TOWNS = _entities(_RNG, fresh_names(150), ("region", "river", "craft", "mayor"), {})
MINERALS = _entities(_RNG, fresh_names(100, "ite"), ("colour", "hardness", "region", "use"), {"hardness": (1, 9)})
INVENTORS = _entities(_RNG, fresh_names(100), ("born", "region", "invention"), {"born": (10, 99)})
UNITS = tuple(Unit(name, smaller, _RNG.randint(2, 9)) for name, smaller in (fresh_names(2, capital=False) for _ in range(14)))
