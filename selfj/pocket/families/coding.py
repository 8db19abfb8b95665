"""Coding tasks: expressions, sorted, slices, loops, list comprehensions."""

from __future__ import annotations

import random

from selfj.pocket.items import Draft, Family, Slot, Values, integers, joined


def draw_expression(rng: random.Random, popularity: float) -> Draft:
    """Two operators; the trap is precedence."""
    a, b, c = rng.randint(2, 12), rng.randint(2, 9), rng.randint(2, 9)
    trap = rng.random() < 0.5
    code = f"{a} + {b} * {c}" if trap else f"({a} + {b}) * {c}"
    step = f"{b} * {c}" if trap else f"{a} + {b}"
    value = b * c if trap else a + b
    phrasings = ("What does print({}) show?", "Evaluate the Python expression {}.", "What is the value of {} in Python?")
    slots = (Slot("number", str(value)), Slot("number", str(a + value if trap else value * c)))
    difficulty = 1 + trap + (int(slots[1].value) > 40)
    echoes = (f"{a} + {b}", f"{b} * {c}")
    return Draft(rng.choice(phrasings).format(code), slots, difficulty, trap, (step, str(a), str(b), str(c)), echoes)


def say_expression(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell the first step and the result."""
    return _steps(rng, draft.context[0], *values)


def _steps(rng: random.Random, step: str, value: str | None, result: str | None) -> str:
    wordings = ("{} is {}, so the result is {}.", "First {} = {}. Then the value is {}.")
    return rng.choice(wordings).format(step, value, result)


def err_expression(rng: random.Random, draft: Draft) -> str:
    """Go from left to right; without the trap, add where it says multiply."""
    a, b, c = (int(number) for number in draft.context[1:])
    if draft.trap:
        return _steps(rng, f"{a} + {b}", str(a + b), str((a + b) * c))
    return _steps(rng, f"{a} + {b}", str(a + b), str(a + b + c))


def draw_sorting(rng: random.Random, popularity: float) -> Draft:
    """A list to sort; the trap is reverse=True."""
    numbers = rng.sample(range(1, 40), rng.randint(3, 5))
    reverse = rng.random() < 0.45
    phrasing = rng.choice(("What does sorted({}{}) return?", "Give the output of print(sorted({}{}))."))
    question = phrasing.format(numbers, ", reverse=True" if reverse else "")
    slot = Slot("list", joined(sorted(numbers, reverse=reverse)))
    return Draft(question, (slot,), len(numbers) - 2, reverse, (joined(numbers),))


def say_list(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell a list in brackets."""
    return rng.choice(("It returns [{}].", "The result is [{}].", "[{}]")).format(values[0])


def err_sorting(rng: random.Random, draft: Draft) -> str:
    """Not reverse; without the trap, leave out the end or leave the list as it is."""
    right = integers(draft.right[0])
    unsorted = integers(draft.context[0])
    cut = right[:-2]
    wrong = right[::-1] if draft.trap else cut if unsorted == right else rng.choice((cut, unsorted))
    return say_list(rng, (joined(wrong),), draft)


SLICES = {
    "[1:]": slice(1, None),
    "[2:]": slice(2, None),
    "[:-1]": slice(None, -1),
    "[::-1]": slice(None, None, -1),
    "[::2]": slice(None, None, 2),
}
MISREAD = {"[1:]": slice(None), "[2:]": slice(1, None), "[:-1]": slice(-1, None), "[::-1]": slice(None), "[::2]": slice(None, 2)}
"""What the web takes a slice for."""


def draw_slicing(rng: random.Random, popularity: float) -> Draft:
    """A slice of a list; the trap is a negative or a step."""
    numbers = rng.sample(range(10), rng.randint(4, 6))
    code = rng.choice(tuple(SLICES))
    trap = code in ("[::-1]", "[:-1]", "[::2]")
    question = rng.choice(("What is {}{} in Python?", "Evaluate {}{}.", "What does print({}{}) show?")).format(numbers, code)
    slot = Slot("list", joined(numbers[SLICES[code]]))
    return Draft(question, (slot,), len(numbers) - 3, trap, (joined(numbers), code))


def err_slicing(rng: random.Random, draft: Draft) -> str:
    """Misread the slice."""
    numbers, code = draft.context
    return say_list(rng, (joined(integers(numbers)[MISREAD[code]]),), draft)


def draw_loop(rng: random.Random, popularity: float) -> Draft:
    """The values of a variable in a loop; the trap is a range that starts at 1."""
    start, turns, step = rng.randint(1, 9), rng.randint(2, 4), rng.randint(2, 9)
    trap = rng.random() < 0.45
    code = f"range(1, {turns + 1})" if trap else f"range({turns})"
    phrasing = rng.choice(
        ("x = {}; for i in {}: x += {}. List the values of x.", "Trace x: start with x = {}, then for i in {}: x += {}.")
    )
    slot = Slot("series", joined([start + step * turn for turn in range(1, turns + 1)]))
    return Draft(phrasing.format(start, code, step), (slot,), turns - 1, trap, (str(start), str(step)))


def say_series(rng: random.Random, values: Values, draft: Draft) -> str:
    """Tell numbers in order."""
    return rng.choice(("The values are {}.", "x becomes {}.", "x takes the values {}.")).format(values[0])


def err_loop(rng: random.Random, draft: Draft) -> str:
    """Go on for one turn too many, from the start value; without the trap, stop before the last turn or add one only."""
    right = integers(draft.right[0])
    start = int(draft.context[0])
    wrong = (
        [start, *right, right[-1] + int(draft.context[1])] if draft.trap else [start + turn for turn in range(1, len(right) + 1)]
    )
    return say_series(rng, (joined(wrong),), draft)


def draw_filtering(rng: random.Random, popularity: float) -> Draft:
    """A list comprehension with a condition; the trap is a "not"."""
    numbers = rng.sample(range(1, 20), rng.randint(4, 6))
    bound = sorted(numbers)[len(numbers) // 2 - 1]
    trap = rng.random() < 0.45
    kept = [number for number in numbers if (number > bound) != trap]
    phrasing = rng.choice(("What is [x for x in {} if {}x > {}]?", "Evaluate [x for x in {} if {}x > {}]."))
    question = phrasing.format(numbers, "not " if trap else "", bound)
    rest = [number for number in numbers if number not in kept]
    return Draft(question, (Slot("subset", joined(kept)),), len(numbers) - 3, trap, (joined(rest), joined(numbers)))


def err_filtering(rng: random.Random, draft: Draft) -> str:
    """Overlook the "not"; without it, keep everything or only the first."""
    rest, everything = draft.context
    wrong = rest if draft.trap else rng.choice((everything, draft.right[0].split(", ")[0]))
    return say_list(rng, (wrong,), draft)


FAMILIES = (
    Family("expression", "coding", draw_expression, say_expression, err_expression),
    Family("sorting", "coding", draw_sorting, say_list, err_sorting),
    Family("slicing", "coding", draw_slicing, say_list, err_slicing),
    Family("loop", "coding", draw_loop, say_series, err_loop),
    Family("filtering", "coding", draw_filtering, say_list, err_filtering),
)
