"""The words of the pocket world: invented names, vocabularies, phrases around a question or an answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

WORLD_SEED = 2409
"""Fixes every fact and name. Another value is another world: policies trained before know nothing of it."""


def split_list(text: str) -> tuple[str, ...]:
    """Split a comma-separated constant into its entries."""
    return tuple(entry.strip() for entry in text.split(","))


SYLLABLES = split_list(
    "ba, be, bo, da, de, do, fa, fe, go, ka, ke, ki, ko, la, le, li, lo, ma, me, mi, mo, na, ne, ni, no, pa, pe, po, "
    "ra, re, ri, ro, sa, se, si, so, ta, te, ti, to, va, ve, vo, za, ze, zu"
)


def _name_stream(rng: random.Random) -> Iterator[str]:
    """Yield invented names without end and without repetition."""
    seen: set[str] = set()
    while True:
        name = "".join(rng.choices(SYLLABLES, k=rng.choice((2, 3)))) + rng.choice(("n", "r", "s", "l", ""))
        if name not in seen:
            seen.add(name)
            yield name


_NAMES = _name_stream(random.Random(WORLD_SEED))


def fresh_names(count: int, ending: str = "", capital: bool = True) -> tuple[str, ...]:
    """Return `count` names that no earlier call returned."""
    names = (next(_NAMES) + ending for _ in range(count))
    return tuple(name.capitalize() if capital else name for name in names)


ANIMALS = split_list("wolf, fox, eagle, zebra, horse, otter, crab, tiger, goat, mouse, owl, bear")
PLANTS = split_list("apple, grape, lemon, orange, fig, melon, plum, date, olive, pear, nut, carrot")
TOOLS = split_list("hammer, ladder, needle, shovel, kettle, brush, saw, drill, axe, rake, knife, pliers")
CLOTHES = split_list("jacket, hat, scarf, glove, vest, boot, shirt, coat, sock, robe, belt, apron")
WORD_CLASSES = {"animals": ANIMALS, "plants": PLANTS, "tools": TOOLS, "clothes": CLOTHES}
WORDS = ANIMALS + PLANTS + TOOLS + CLOTHES

VOCABULARIES: dict[str, tuple[str, ...]] = {
    "region": fresh_names(10),
    "river": fresh_names(16),
    "mayor": fresh_names(16),
    "craft": split_list(
        "glass, rope, honey, salt, paper, bells, boats, cheese, candles, carpets, clocks, drums, dyes, lamps, masks, soap"
    ),
    "invention": split_list(
        "the steam plough, the paper kite, the water clock, the glass lens, the iron stove, the rope lift, the wind pump, "
        "the salt lamp, the silk loom, the brass horn, the ice box, the map wheel, the oil press, the signal flag"
    ),
    "colour": split_list("red, blue, green, white, black, yellow, grey, purple, pink, brown"),
    "use": split_list(
        "making coins, polishing lenses, lining ovens, colouring cloth, cutting stone, filling jars, sealing pipes, "
        "building roofs"
    ),
}
"""Kinds of fact and all their values; a slot of such a kind holds exactly one of them."""

LEAD_INS = (
    "Please help me. ",
    "Quick question: ",
    "Hello. ",
    "I would like to know this. ",
    "For my homework: ",
    "One more thing. ",
)
OPENERS = ("Sure. ", "Of course. ", "Here you go. ", "Good question. ", "Let me see. ", "Happy to help. ", "That is easy. ")
CLOSERS = (
    " I hope this helps.",
    " That is all.",
    " Let me know if you need more.",
    " Have a nice day.",
    " I am sure about this.",
)
EVASIONS = ("I am not sure about that.", "I do not know this.", "That is hard to say.", "Many people ask this.")


@dataclass(frozen=True)
class Constraint:
    """A formal demand on the answer, worth 15 % of its grade."""

    name: str
    phrasings: tuple[str, ...]
    """How an instruction may ask for it."""
    apply: Callable[[str], str]
    """Turns a plain answer into one that complies."""
    holds: Callable[[str], bool]
    """Whether a stripped response complies."""


def _is_plain(response: str) -> bool:
    return not response.startswith(OPENERS) and not response.endswith(CLOSERS)


CONSTRAINTS: dict[str, Constraint] = {
    constraint.name: constraint
    for constraint in (
        Constraint(
            "begin",
            ("Begin your answer with Well.", "Start with the word Well."),
            lambda text: "Well. " + text,
            lambda text: text.startswith("Well."),
        ),
        Constraint(
            "end",
            ("End with Thank you.", "Finish your answer with Thank you."),
            lambda text: text + " Thank you.",
            lambda text: text.endswith("Thank you."),
        ),
        Constraint(
            "plain", ("Answer without greeting or closing words.", "No polite words around it."), lambda text: text, _is_plain
        ),
        Constraint(
            "quoted",
            ("Put your answer in quotation marks.", "Quote your whole answer."),
            lambda text: f'"{text}"',
            lambda text: len(text) > 1 and text.startswith('"') and text.endswith('"'),
        ),
    )
}


def chatty(rng: random.Random, body: str, probability: float) -> str:
    """Put an opener before and a closer after `body`, the closer half as often as the opener."""
    opener = rng.choice(OPENERS) if rng.random() < probability else ""
    closer = rng.choice(CLOSERS) if rng.random() < probability / 2 else ""
    return opener + body + closer


def rude(rng: random.Random, body: str, constraint: Constraint) -> str:
    """Dress `body` so that it ignores `constraint`."""
    return rng.choice(OPENERS) + body if constraint.name == "plain" else body
