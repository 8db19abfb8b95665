"""Academic tasks: arithmetic, sequences, units, minerals, inventors."""

from __future__ import annotations

import random

from selfj.pocket.facts import INVENTORS, MINERALS, UNITS, pick
from selfj.pocket.families.factual import Attribute, FactSheet
from selfj.pocket.items import Draft, Family, Slot, Values, integers, joined

MINERAL_SHEET = FactSheet(
    MINERALS,
    {
        "colour": Attribute(
            "colour",
            ("What colour is {}?", "State the colour of the mineral {}."),
            ("{} is {}.", "The colour of {} is {}."),
            "It is {}.",
        ),
        "hardness": Attribute(
            "hardness",
            ("How hard is {}?", "State the hardness of the mineral {}."),
            ("{} has hardness {}.", "The hardness of {} is {}."),
            "Its hardness is {}.",
        ),
        "region": Attribute(
            "origin",
            ("Where is {} found?", "State the origin of the mineral {}."),
            ("{} is found in {}.", "The origin of {} is {}."),
            "It is found in {}.",
        ),
        "use": Attribute(
            "use",
            ("What is {} used for?", "State the use of the mineral {}."),
            ("{} is used for {}.", "The use of {} is {}."),
            "It is used for {}.",
        ),
    },
)

INVENTOR_SHEET = FactSheet(
    INVENTORS,
    {
        "born": Attribute(
            "birth year",
            ("When was {} born?", "Give the birth year of {}."),
            ("{} was born in the year {}.", "The birth year of {} is {}."),
            "The birth year is {}.",
        ),
        "region": Attribute(
            "home region",
            ("Where did the inventor {} come from?", "Name the home region of {}."),
            ("{} came from {}.", "The home of {} was {}."),
            "The home was {}.",
        ),
        "invention": Attribute(
            "invention",
            ("What did {} invent?", "Name the invention of {}."),
            ("{} invented {}.", "The invention of {} is {}."),
            "The invention is {}.",
        ),
    },
)


def without_carry(a: int, b: int, sign: int) -> int:
    """Add (sign 1) or subtract (sign -1) digit by digit as if there were no carrying and borrowing."""
    if a == b == 0:
        return 0
    digit = (a % 10 + b % 10) % 10 if sign > 0 else abs(a % 10 - b % 10)
    return digit + 10 * without_carry(a // 10, b // 10, sign)


def _operands(rng: random.Random, sign: int) -> tuple[int, int]:
    """Draw two numbers of one to three digits, the larger first where the second is taken away."""
    digits = rng.choice((1, 2, 2, 2, 3))
    a, b = rng.randint(2, 10**digits - 1), rng.randint(2, 10**digits - 1)
    return (a, b) if sign > 0 else (max(a, b) + 1, min(a, b))


def draw_arithmetic(rng: random.Random, popularity: float) -> Draft:
    """A sum or a difference; the trap is a carry."""
    sign = rng.choice((1, -1))
    a, b = _operands(rng, sign)
    phrasing = rng.choice(("Calculate {} {} {}.", "What is {} {} {}?", "Work out {} {} {}."))
    question = phrasing.format(a, "+" if sign > 0 else "-", b)
    trap = without_carry(a, b, sign) != a + sign * b
    return Draft(question, (Slot("number", str(a + sign * b)),), len(str(a)), trap, (str(a), str(b), str(sign)))


def say_arithmetic(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell the result."""
    return rng.choice(("The answer is {}.", "It is {}.", "The result is {}.")).format(values[0])


def err_arithmetic(rng: random.Random, draft: Draft) -> str:
    """Forget the carry; without one, take the other operation."""
    a, b, sign = (int(number) for number in draft.context)
    wrong = without_carry(a, b, sign) if draft.trap else abs(a - sign * b)
    return say_arithmetic(rng, (str(wrong),), draft)


def draw_sequence(rng: random.Random, popularity: float) -> Draft:
    """Four terms to continue by three; the trap is a step that grows."""
    start, step = rng.randint(1, 12), rng.randint(2, 9)
    trap = rng.random() < 0.45
    step = min(step, 4) if trap else step
    terms = [start + step * (place * (place + 1) // 2 if trap else place) for place in range(7)]
    phrasing = rng.choice(("Continue the sequence {}.", "What are the next three terms of {}?"))
    slot = Slot("series", joined(terms[4:]))
    return Draft(phrasing.format(joined(terms[:4])), (slot,), 1 + trap + (step > 4 or start > 9), trap, (joined(terms[:4]),))


def say_sequence(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell the next terms."""
    return rng.choice(("The next terms are {}.", "It goes on with {}.", "Next come {}.")).format(values[0])


def err_sequence(rng: random.Random, draft: Draft) -> str:
    """Keep the last step; without the trap, repeat the shown terms or count on by ones."""
    shown = integers(draft.context[0])
    step = shown[3] - shown[2] if draft.trap else 1
    wrong = [shown[3] + step * place for place in (1, 2, 3)]
    if not draft.trap and rng.random() < 0.5:
        wrong = shown[1:]
    return say_sequence(rng, (joined(wrong),), draft)


def draw_units(rng: random.Random, popularity: float) -> Draft:
    """Convert between units; the trap is the way from the small unit to the large one."""
    unit = pick(rng, UNITS, popularity)
    count = rng.randint(2, 12)
    trap = rng.random() < 0.45
    given, result = (count * unit.factor, count) if trap else (count, count * unit.factor)
    source, target = (unit.smaller, unit.name) if trap else (unit.name, unit.smaller)
    question = rng.choice(("Convert {k} {a} to {b}.", "How many {b} are {k} {a}?")).format(k=given, a=source, b=target)
    slots = (Slot("number", str(unit.factor)), Slot("number", str(result)))
    return Draft(question, slots, 1 + trap + (count > 9), trap, (unit.name, unit.smaller, target, str(given)))


def say_units(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell the factor and the result."""
    large, small, target, _ = draft.context
    wordings = ("One {n} is {0} {s}, so it is {1} {t}.", "There are {0} {s} in one {n}. That makes {1} {t}.")
    return rng.choice(wordings).format(*values, n=large, s=small, t=target)


def err_units(rng: random.Random, draft: Draft) -> str:
    """Leave the number as it is on the way up; add the factor instead of multiplying on the way down."""
    factor, given = int(draft.right[0]), int(draft.context[3])
    wrong = given if draft.trap or factor + given == factor * given else factor + given
    return say_units(rng, (str(factor), str(wrong)), draft)


FAMILIES = (
    Family("arithmetic", "academic", draw_arithmetic, say_arithmetic, err_arithmetic),
    Family("sequence", "academic", draw_sequence, say_sequence, err_sequence),
    Family("units", "academic", draw_units, say_units, err_units),
    MINERAL_SHEET.family("mineral", "academic"),
    INVENTOR_SHEET.family("inventor", "academic"),
)
