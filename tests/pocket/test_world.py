"""The generator of the pocket world."""

import hashlib
import json
import subprocess
import sys
from collections import Counter

from selfj.pocket.facts import INVENTORS, MINERALS, TOWNS, UNITS
from selfj.pocket.language import CONSTRAINTS
from selfj.pocket.world import CATEGORIES, FAMILIES, instructions, item

WORLD_HASH = "f8006ced8c5149186fd288abc70d7e9787817a8df1c9328dc11a987eda55e008"


def test_the_same_seed_and_index_give_the_same_instruction():
    assert [item(3, index) for index in range(200)] == [item(3, index) for index in range(200)]


def test_an_instruction_does_not_depend_on_those_before_it():
    backwards = {index: item(3, index) for index in reversed(range(200))}
    assert [backwards[index] for index in range(200)] == [item(3, index) for index in range(200)]


def test_another_process_makes_the_same_instructions():
    code = "from selfj.pocket.world import item; print(item(5, 6).instruction + item(5, 7).reference)"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other == item(5, 6).instruction + item(5, 7).reference + "\n"


def test_another_seed_gives_other_instructions():
    ours, theirs = ({item(seed, index).instruction for index in range(500)} for seed in (1, 2))
    assert len(ours & theirs) < 50


def test_the_world_is_the_one_that_the_shipped_policies_know():
    """If this fails on purpose, train the policies again: they know the old world."""
    digest = hashlib.sha256()
    for index in range(5000):
        made = item(7, index)
        digest.update((made.instruction + made.reference).encode())
    assert digest.hexdigest() == WORLD_HASH


def test_there_are_a_hundred_thousand_distinct_instructions():
    assert len({item(0, index).instruction for index in range(130_000)}) >= 100_000


def test_every_category_has_at_least_four_families():
    families = Counter(family.category for family in FAMILIES.values())
    assert set(families) == set(CATEGORIES)
    assert min(families.values()) >= 4


def test_all_families_and_constraints_are_drawn_often():
    drawn = [item(1, index) for index in range(5000)]
    families = Counter(made.family for made in drawn)
    constraints = Counter(made.constraint for made in drawn)
    assert set(families) == set(FAMILIES) and min(families.values()) > 250
    assert set(constraints) == {*CONSTRAINTS, None} and min(constraints.values()) > 250


def test_difficulty_varies_within_every_family():
    drawn = [item(1, index) for index in range(5000)]
    for family in FAMILIES:
        found = {made.difficulty for made in drawn if made.family == family}
        assert len(found) >= 2 and found <= {1, 2, 3}, family


def test_every_family_has_questions_with_and_without_its_trap():
    drawn = [item(1, index) for index in range(5000)]
    for family in FAMILIES:
        traps = [made.draft.trap for made in drawn if made.family == family]
        assert 0.3 < sum(traps) / len(traps) < 0.7, family


def test_names_of_entities_are_distinct():
    names = [entity.name for entity in TOWNS + MINERALS + INVENTORS] + [
        name for unit in UNITS for name in (unit.name, unit.smaller)
    ]
    assert len(set(names)) == len(names)


def test_the_plug_in_yields_the_rows_asked_for():
    rows = list(instructions(4, 10, 15))
    assert [row["instruction"] for row in rows] == [item(4, index).instruction for index in range(10, 15)]
    assert {row["category"] for row in instructions(4, 0, 100)} == set(CATEGORIES)
    assert list(instructions(4, 10, 10)) == []


def test_metadata_name_the_item_and_hold_neither_answer_nor_grade():
    for row in instructions(4, 0, 50):
        assert set(row) == {"instruction", "reference", "category", "family", "metadata"}
        assert set(row["metadata"]) == {"seed", "index"}
        json.dumps(row)


def run_code(*lines: str) -> None:
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_the_world_can_be_imported_without_grades():
    run_code(
        "import sys; sys.modules['selfj.pocket.grading'] = None",
        "from selfj.pocket.world import instructions",
        "next(instructions(0, 0, 1))",
    )


def test_the_world_needs_no_torch():
    run_code(
        "import sys, selfj.pocket.world, selfj.pocket.grading",
        "assert not {'torch', 'transformers', 'ray'} & set(sys.modules)",
    )
