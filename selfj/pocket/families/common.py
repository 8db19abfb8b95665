"""Common tasks: a town, a shopping bill, alphabetical order, picking words of a kind."""

from __future__ import annotations

import random

from selfj.pocket.facts import TOWNS
from selfj.pocket.families.factual import Attribute, FactSheet
from selfj.pocket.items import Draft, Family, Slot, Values, joined
from selfj.pocket.language import WORD_CLASSES, WORDS

FRUIT = ("apples", "pears", "plums", "figs", "melons", "lemons", "limes", "dates")

TOWN_SHEET = FactSheet(
    TOWNS,
    {
        "region": Attribute(
            "region",
            ("In which region is {}?", "Where does the town of {} lie?", "Name the region of {}."),
            ("{} lies in {}.", "The town of {} is in {}."),
            "It lies in {}.",
        ),
        "river": Attribute(
            "river",
            ("Which river runs through {}?", "Name the river of {}.", "What is the river of {}?"),
            ("The river of {} is the {}.", "{} lies on the river {}."),
            "Its river is the {}.",
        ),
        "craft": Attribute(
            "craft",
            ("What is {} known for?", "Which product is {} famous for?", "What do people make in {}?"),
            ("{} is known for its {}.", "The craft of {} is {}."),
            "It is known for its {}.",
        ),
        "mayor": Attribute(
            "mayor",
            ("Who is the mayor of {}?", "Name the mayor of {}.", "Who leads the town of {}?"),
            ("The mayor of {} is {}.", "{} is led by {}."),
            "Its mayor is {}.",
        ),
    },
)


def draw_shopping(rng: random.Random, popularity: float) -> Draft:
    """A bill of two goods; the trap is a voucher."""
    first, second = rng.sample(FRUIT, 2)
    a, b, c, d = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 9)
    voucher = rng.randint(2, 4) if rng.random() < 0.4 else 0
    question = rng.choice(
        (
            "I buy {a} {f} at {b} coins each and {c} {g} at {d} coins each{v}. What do I pay?",
            "What do {a} {f} for {b} coins each and {c} {g} for {d} coins each cost{v}?",
        )
    ).format(a=a, b=b, c=c, d=d, f=first, g=second, v=f", with a voucher of {voucher} coins" if voucher else "")
    slots = tuple(Slot("number", str(number)) for number in (a * b, c * d, a * b + c * d - voucher))
    difficulty = 1 + (a * b + c * d > 50) + bool(voucher)
    return Draft(question, slots, difficulty, bool(voucher), (first, second, str(voucher), str(b), str(d)))


def say_shopping(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell both parts and the sum."""
    wordings = (
        "The {f} cost {0} coins and the {g} cost {1} coins, so you pay {2} coins.",
        "You pay {0} for the {f} and {1} for the {g}, in all {2} coins.",
    )
    return rng.choice(wordings).format(*values, f=draft.context[0], g=draft.context[1])


def err_shopping(rng: random.Random, draft: Draft) -> str:
    """Take one of each good only; with a voucher, sometimes just forget it."""
    first, second, total = (int(value) for value in draft.right)
    voucher, b, d = (int(value) for value in draft.context[2:])
    forgetful = draft.trap and rng.random() < 0.4
    wrong = (first, second, total + voucher) if forgetful else (b, d, b + d)
    return say_shopping(rng, tuple(str(number) for number in wrong), draft)


def draw_alphabet(rng: random.Random, popularity: float) -> Draft:
    """Three to five words to sort; the trap is the order from z to a."""
    words = rng.sample(WORDS, rng.randint(3, 5))
    backwards = rng.random() < 0.4
    phrasings = (
        ("Sort these words from z to a: {}.", "Put these words in reverse alphabetical order: {}.")
        if backwards
        else ("Sort these words from a to z: {}.", "Put these words in alphabetical order: {}.")
    )
    slot = Slot("order", joined(sorted(words, reverse=backwards)))
    return Draft(rng.choice(phrasings).format(joined(words)), (slot,), len(words) - 2, backwards)


def say_alphabet(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell the words in order."""
    return rng.choice(("The order is {}.", "Sorted: {}.", "In order, they are {}.")).format(values[0])


def err_alphabet(rng: random.Random, draft: Draft) -> str:
    """Sort the wrong way round; without the trap, leave out the end or exchange the first two."""
    words = draft.right[0].split(", ")
    swapped = [words[1], words[0], *words[2:]]
    wrong = words[::-1] if draft.trap else rng.choice((words[:-2], swapped))
    return say_alphabet(rng, (joined(wrong),), draft)


def draw_picking(rng: random.Random, popularity: float) -> Draft:
    """Pick the words of a kind; the trap is a "not"."""
    kind = rng.choice(tuple(WORD_CLASSES))
    inside = rng.sample(WORD_CLASSES[kind], rng.randint(2, 3))
    outside = rng.sample([word for word in WORDS if word not in WORD_CLASSES[kind]], rng.randint(2, 3))
    shown = rng.sample(inside + outside, len(inside + outside))
    negated = rng.random() < 0.45
    wanted = outside if negated else inside
    phrasing = rng.choice(("Which of these are {n}{k}: {w}?", "From the list {w}, pick all that are {n}{k}."))
    question = phrasing.format(n="not " if negated else "", k=kind, w=joined(shown))
    slot = Slot("choice", joined([word for word in shown if word in wanted]))
    return Draft(
        question, (slot,), 1 + negated + (len(shown) > 5), negated, (joined([word for word in shown if word not in wanted]),)
    )


def say_picking(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell the picked words."""
    return rng.choice(("They are {}.", "I pick {}.", "These fit: {}.")).format(values[0])


def err_picking(rng: random.Random, draft: Draft) -> str:
    """Overlook the "not"; without it, pick everything or only the first word."""
    right = draft.right[0].split(", ")
    other = draft.context[0].split(", ")
    wrong = other if draft.trap else rng.choice((right + other, right[:1]))
    return say_picking(rng, (joined(wrong),), draft)


FAMILIES = (
    TOWN_SHEET.family("town", "common"),
    Family("shopping", "common", draw_shopping, say_shopping, err_shopping),
    Family("alphabet", "common", draw_alphabet, say_alphabet, err_alphabet),
    Family("picking", "common", draw_picking, say_picking, err_picking),
)
