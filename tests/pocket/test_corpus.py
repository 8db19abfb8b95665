"""The policies' training text."""

import random

import numpy as np
import pytest

from selfj.pocket import corpus
from selfj.pocket.corpus import ANSWER, MARK, RATE, READ, SKIP, Segment
from selfj.pocket.items import Slot
from selfj.pocket.recipes import Mixture, Recipe, load_recipe, recipe_from, recipe_names
from selfj.pocket.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("base")


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(700, seed=0, items=1500)


def text(segments: list[Segment]) -> str:
    return "".join(segment.text for segment in segments)


def test_a_rating_always_shows_the_reference(recipe):
    for seed in range(200):
        said = text(corpus.conversation(random.Random(seed), recipe, 0.9))
        if "Rate the answer" in said or "Check the answer" in said:
            assert "\nReference: " in said


def test_references_carry_no_loss(recipe):
    for segments in (
        corpus.rating_conversation(random.Random(0), recipe, 0.0),
        corpus.echo_conversation(random.Random(0), recipe),
    ):
        assert "\nReference: " in segments[0].text
        assert segments[0].kind == SKIP


def test_the_first_rating_of_a_conversation_is_the_prompt_that_scoring_uses(recipe):
    from selfj.pocket.chat import USER
    from selfj.prompts import RATING_PROMPTS

    said = text(corpus.rating_conversation(random.Random(1), recipe, 0.0))
    question, rest = said.removeprefix(USER + "Rate the answer from 0 to 9.\nQuestion: ").split("\nReference: ", 1)
    reference = rest.split("\nAnswer: ", 1)[0]
    assert said.startswith(USER + RATING_PROMPTS["short"].before_response(question, reference))


def test_ratings_follow_the_exact_grade():
    rng = random.Random(0)
    assert [corpus.rubric(rng, exact, 0.0) for exact in (0.0, 0.5, 1.0)] == [0, 4, 9]
    assert len({corpus.rubric(rng, 0.5, 1.0) for _ in range(100)}) > 3


def test_the_early_mixture_drills_and_the_later_one_answers(recipe):
    def share_of_drills(progress: float) -> float:
        rng = random.Random(0)
        kinds = [corpus.conversation(rng, recipe, progress)[-1].kind for _ in range(500)]
        return kinds.count(MARK) / len(kinds)

    assert share_of_drills(0.05) > 0.25 > 0.15 > share_of_drills(0.5)


def test_marks_say_which_values_are_right():
    slots = (Slot("number", "12"), Slot("list", "1, 2"), Slot("choice", "hat, fox"))
    assert corpus.marked(slots, ("12", "2, 1", "fox, hat")) == " 12+ 2- 1- fox+ hat+"


def test_a_drill_marks_the_members_of_its_set():
    members, reply = (segment.text for segment in corpus.drill_conversation(random.Random(3)))
    named = members.removeprefix("<|user|> ").removesuffix(".<|assistant|>").split(", ")
    for thing in named:
        assert f" {thing}-" not in reply


def test_only_marks_weigh_as_marks(tokenizer):
    [(ids, kinds)] = corpus.encode(tokenizer, [[Segment(" 12+ fox-", MARK)]])
    marks = [tokenizer.id_to_token(token) for token, kind in zip(ids, kinds, strict=True) if kind == MARK]
    assert marks == ["+", "-"]
    assert set(kinds) == {READ, MARK}


def test_a_rating_is_one_token(tokenizer):
    [(_, kinds)] = corpus.encode(
        tokenizer, [[Segment("<|user|>x<|assistant|>", READ), Segment("7", RATE), Segment("<|end|>", READ)]]
    )
    assert kinds.count(RATE) == 1


def test_batches_hold_every_conversation_once_within_the_token_budget(tokenizer, recipe):
    rng = random.Random(0)
    sequences = corpus.encode(tokenizer, [corpus.conversation(rng, recipe, 0.5) for _ in range(300)])
    batches = list(corpus.batches_by_length(rng, sequences, 2048))
    assert all(batch.ids.size <= 2048 for batch in batches)
    rows = [tuple(row[row != 0]) for batch in batches for row in batch.ids if row.any()]
    assert sorted(rows) == sorted(tuple(ids) for ids, _ in sequences)


def test_padding_carries_no_loss():
    batch = corpus.pad([([5, 6, 7], [ANSWER] * 3), ([5], [ANSWER])], rows=3, length=4)
    assert batch.ids.tolist() == [[5, 6, 7, 0], [5, 0, 0, 0], [0] * 4]
    assert batch.kinds.tolist() == [[ANSWER] * 3 + [SKIP], [ANSWER] + [SKIP] * 3, [SKIP] * 4]


def test_batches_of_one_length_have_one_shape(tokenizer, recipe):
    rng = random.Random(0)
    sequences = corpus.encode(tokenizer, [corpus.conversation(rng, recipe, 0.5) for _ in range(300)])
    shapes = {batch.ids.shape for batch in corpus.batches_by_length(rng, sequences, 2048)}
    assert all(length % 16 == 0 for _, length in shapes)
    assert len({length for _, length in shapes}) == len(shapes)


def test_a_chunk_is_a_function_of_its_number(tokenizer, recipe):
    first, again, other = (corpus.chunk(recipe, tokenizer, number, 0.5, 50) for number in (0, 0, 1))
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.ids, b.ids) for a, b in zip(first, other, strict=False))


def test_shares_of_every_mixture_sum_to_one():
    for name in recipe_names():
        made = load_recipe(name)
        for mixture in (made.first, made.then):
            assert mixture.answers + mixture.ratings + mixture.echo + mixture.drills == pytest.approx(1)


def test_an_unknown_field_of_a_recipe_is_an_error():
    with pytest.raises(ValueError, match=r"mine\.yaml: unknown fields colour"):
        recipe_from({"colour": "red"}, "mine.yaml")


def test_an_unknown_recipe_is_an_error_that_names_the_known_ones():
    with pytest.raises(FileNotFoundError, match="base"):
        load_recipe("nothing")


def test_nested_settings_of_a_recipe_are_read(recipe):
    from dataclasses import asdict

    changed = asdict(recipe) | {"first": {"answers": 1.0, "ratings": 0.0, "echo": 0.0, "drills": 0.0}}
    assert recipe_from(changed, "here").first == Mixture(1.0, 0.0, 0.0, 0.0)
