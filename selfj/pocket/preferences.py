"""Preference pairs of the pocket world: two answers to one instruction, ordered by their exact grades.

Sources of pairs for SELF-JUDGE: `selfj.pocket.preferences:pairs` with mistakes of the world's own, and `write_pairs` with answers
that a policy gave in a run. Wrong preferences come in by the source's `noise`.
"""

from __future__ import annotations

import functools
import json
import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from selfj.pocket.corpus import candidate
from selfj.pocket.grading import content, form, grade
from selfj.pocket.items import Item
from selfj.pocket.language import CONSTRAINTS, EVASIONS
from selfj.pocket.recipes import Recipe, load_recipe
from selfj.pocket.world import item as make_item
from selfj.records import Instruction, Response, from_table
from selfj.run import RunFolder

SEED_OFFSET = 1_000_003
"""Added to a source's seed, so that no pair is about an instruction that a run with the same seed collects."""
ATTEMPTS = 8
"""Second answers drawn before one is chosen that is sure to have another grade."""


def pairs(seed: int, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """Yield pairs `start` to `stop` - 1 of `seed` as rows of a source.

    Answers are drawn as in the policies' own training: right ones in other words, the web's, and corrupted ones. The metadata
    names the item, so that answers to it can be graded (selfj.pocket.grading.grade_response).
    """
    recipe = _recipe()
    for index in range(start, stop):
        item = make_item(seed + SEED_OFFSET, index)
        answers = _two_answers(random.Random(f"pocket pairs {seed} {index}"), item, recipe)
        yield pair_row(item, answers, {"seed": seed + SEED_OFFSET, "index": index})


def _two_answers(rng: random.Random, item: Item, recipe: Recipe) -> tuple[str, str]:
    """Answers of different grades: of several drawn the first and one that differs, else the reference or an evasive one."""
    first = candidate(rng, item, recipe)
    for _ in range(ATTEMPTS):
        second = candidate(rng, item, recipe)
        if grade(item, first) != grade(item, second):
            return first, second
    return first, item.reference if grade(item, first) < 1 else rng.choice(EVASIONS)


@functools.cache
def _recipe() -> Recipe:
    return load_recipe("base")


def pair_row(item: Item, answers: Sequence[str], metadata: dict[str, Any]) -> dict[str, Any]:
    """Two answers as a row with their grades, and ratings under the principles that the world can tell apart."""
    chosen, rejected = sorted(answers, key=lambda answer: -grade(item, answer))
    rated = {name: {"chosen": rate(item, chosen), "rejected": rate(item, rejected)} for name, rate in _RATINGS.items()}
    return {
        "instruction": item.instruction,
        "chosen": chosen,
        "rejected": rejected,
        "score_chosen": grade(item, chosen),
        "score_rejected": grade(item, rejected),
        "principles": rated,
        "metadata": metadata,
    }


def _followed(item: Item, answer: str) -> float:
    """Form, and the constraint where there is one, whatever the answer says."""
    kept = item.constraint is None or CONSTRAINTS[item.constraint].holds(answer.strip())
    return form(answer.strip()) * (1.0 if kept else 0.5)


def _truth(item: Item, answer: str) -> float:
    """What it says, whatever its form."""
    return content(item, answer.strip())


_RATINGS = {"helpfulness": grade, "truthfulness": _truth, "instruction_following": _followed}


def run_pairs(run: RunFolder) -> Iterator[dict[str, Any]]:
    """Yield a pair for every two neighbouring answers of different grades that a pocket run's policy gave to an instruction."""
    for part in run.table("responses").parts():
        asked = {row.instruction_id: row for row in from_table(Instruction, run.table("instructions").read(part))}
        answers: dict[str, list[str]] = {}
        for row in from_table(Response, run.table("responses").read(part)):
            response: Response = row
            answers.setdefault(response.instruction_id, []).append(response.response)
        for key, given in answers.items():
            metadata = json.loads(asked[key].metadata)
            item = make_item(int(metadata["seed"]), int(metadata["index"]))
            for two in zip(given[::2], given[1::2], strict=False):
                if grade(item, two[0]) != grade(item, two[1]):
                    yield pair_row(item, two, metadata)


def write_pairs(run: str, output: str) -> int:
    """Write `run_pairs` of a run folder as JSON Lines; returns how many."""
    rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in run_pairs(RunFolder(run))]
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(rows)
    return len(rows)


if __name__ == "__main__":
    print(f"{write_pairs(*sys.argv[1:3]):,} pairs: {sys.argv[2]}")
