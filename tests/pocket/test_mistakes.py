"""What the web gets wrong."""

import random
from collections import defaultdict

import pytest

from selfj.pocket import mistakes
from selfj.pocket.facts import WEB_POPULARITY
from selfj.pocket.grading import content, form, grade
from selfj.pocket.items import Item, Slot
from selfj.pocket.mistakes import FAILURES_OF_FORM, WebHabits, corrupted, corrupted_answer, malformed, mistaken, web_answer
from selfj.pocket.recipes import load_recipe
from selfj.pocket.world import FAMILIES, draw, item


def earned(drawn: Item, body: str) -> float:
    """Grade without the constraint, which bodies have not got yet."""
    return content(drawn, body) * form(body)


def test_every_mistake_of_every_family_grades_below_one():
    rng = random.Random(0)
    for index in range(20_000):
        drawn = item(21, index)
        body = mistaken(rng, drawn)
        assert earned(drawn, body) < 0.95, (drawn.instruction, body)


@pytest.mark.parametrize("failure", FAILURES_OF_FORM)
def test_every_failure_of_form_grades_below_one(failure):
    rng = random.Random(0)
    for index in range(3000):
        drawn = item(22, index)
        body = failure(rng, drawn, FAMILIES[drawn.family].say(rng, drawn.draft.right, drawn.draft))
        assert earned(drawn, body) < 0.95, (drawn.instruction, body)


def test_failures_of_form_are_all_used():
    rng = random.Random(0)
    drawn = item(22, 3)
    assert len({malformed(rng, drawn) for _ in range(200)}) >= 5


def test_mistakes_are_systematic():
    """At most a handful of different wrong answers per question: the mistake follows from the question."""
    rng = random.Random(0)
    for index in range(300):
        drawn = item(23, index)
        assert len({round(earned(drawn, mistaken(rng, drawn)), 6) for _ in range(30)}) <= 3, drawn.instruction


def test_the_web_errs_more_often_on_traps():
    rng, habits = random.Random(0), WebHabits()
    for family in FAMILIES:
        grades = defaultdict(list)
        for _ in range(600):
            drawn = draw(rng, WEB_POPULARITY, family)
            grades[drawn.draft.trap].append(grade(drawn, web_answer(rng, drawn, habits)))
        means = {trap: sum(found) / len(found) for trap, found in grades.items()}
        assert means[True] < means[False] - 0.1, family


def test_families_of_the_shipped_recipe_have_similar_mean_grades_on_the_web():
    rng, habits = random.Random(0), load_recipe("base").habits
    for family in FAMILIES:
        drawn = [draw(rng, WEB_POPULARITY, family) for _ in range(800)]
        mean = sum(grade(made, web_answer(rng, made, habits)) for made in drawn) / len(drawn)
        assert 0.5 < mean < 0.8, (family, mean)


def test_a_web_that_never_errs_is_always_right():
    rng = random.Random(0)
    perfect = WebHabits(trapped=0, careless=0, malformed=0, comply=1, chat=0.5)
    for index in range(1000):
        drawn = item(24, index)
        assert grade(drawn, web_answer(rng, drawn, perfect)) == 1.0


def test_a_web_that_always_errs_is_never_right():
    rng = random.Random(0)
    hopeless = WebHabits(trapped=1, careless=1)
    assert all(grade(made, web_answer(rng, made, hopeless)) < 1 for made in (item(24, index) for index in range(1000)))


def test_corruption_changes_values_and_keeps_their_number():
    rng = random.Random(0)
    changed = 0
    for index in range(1000):
        drawn = item(25, index)
        values = corrupted(rng, drawn)
        assert len(values) == len(drawn.slots)
        changed += values != drawn.draft.right
    assert changed > 850


def test_corrupted_answers_cover_the_range_of_grades():
    rng = random.Random(0)
    drawn = [item(26, index) for index in range(2000)]
    grades = [grade(made, corrupted_answer(rng, made, WebHabits())) for made in drawn]
    for low in (0.0, 0.25, 0.5, 0.75):
        assert sum(low <= value < low + 0.25 for value in grades) > 100


def test_a_corrupted_number_stays_a_number():
    rng = random.Random(0)
    assert all(mistakes.corrupted_value(rng, Slot("number", "7")).isdigit() for _ in range(200))
