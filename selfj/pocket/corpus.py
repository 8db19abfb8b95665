"""The policies' training text: web answers, ratings with the reference in view, and exercises in comparing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from selfj.pocket.chat import ASSISTANT, END, USER, rating_question
from selfj.pocket.facts import WEB_POPULARITY
from selfj.pocket.grading import grade
from selfj.pocket.items import Item, Slot, Values
from selfj.pocket.language import VOCABULARIES, WORDS
from selfj.pocket.mistakes import corrupted, corrupted_answer, web_answer
from selfj.pocket.recipes import Recipe
from selfj.pocket.world import answer, draw

READ, ANSWER, RATE, MARK, SKIP = range(5)
"""Kinds of tokens: read text, answer, rating digit, + or - mark, and text without loss."""
KINDS = ("read", "answer", "rate", "mark", "skip")

CONVERSATIONS_PER_CHUNK = 8_000
TYPICAL_TOKENS = {"answers": 37, "ratings": 131, "echo": 150, "drills": 43}
"""Length of a conversation, measured; turns shares of tokens into shares of conversations."""


@dataclass(frozen=True)
class Segment:
    """A piece of a conversation whose tokens are of one kind."""

    text: str
    kind: int


@dataclass(frozen=True)
class Batch:
    """Token ids (rows, length) and their kinds; padding is of kind SKIP."""

    ids: NDArray[np.int64]
    kinds: NDArray[np.int8]


def answer_conversation(rng: random.Random, recipe: Recipe) -> list[Segment]:
    """An instruction and a web answer."""
    item = draw(rng, WEB_POPULARITY)
    reply = web_answer(rng, item, recipe.habits) + END
    return [Segment(USER, SKIP), Segment(item.instruction + ASSISTANT, READ), Segment(reply, ANSWER)]


def candidate(rng: random.Random, item: Item, recipe: Recipe) -> str:
    """An answer to be rated: right in other words, a web answer, or with corrupted values."""
    choice = rng.random()
    if choice < 0.2:
        return answer(rng, item, comply=rng.random() < recipe.habits.comply, chat=recipe.habits.chat)
    return web_answer(rng, item, recipe.habits) if choice < 0.6 else corrupted_answer(rng, item, recipe.habits)


def rubric(rng: random.Random, exact: float, noise: float) -> int:
    """The digit for an exact grade, with noise of standard deviation `noise`."""
    return max(0, min(9, round(9 * exact + rng.gauss(0, noise))))


def rating_conversation(rng: random.Random, recipe: Recipe, noise: float) -> list[Segment]:
    """One instruction and reference, several answers, a digit for each."""
    item = draw(rng, WEB_POPULARITY)
    segments = [Segment(rating_question(item.instruction, item.reference), SKIP)]
    for turn in range(recipe.ratings_per_conversation):
        response = candidate(rng, item, recipe)
        opening = "" if turn == 0 else f"{USER}Answer: "
        segments.append(Segment(opening + response + ASSISTANT, READ))
        segments.append(Segment(str(rubric(rng, grade(item, response), noise)), RATE))
        segments.append(Segment(END, READ))
    return segments


def marked(slots: tuple[Slot, ...], values: Values) -> str:
    """Repeat every value, or entry of a value, with a + if it is right and a - if not; a blank before each."""
    marks = []
    for slot, value in zip(slots, values, strict=True):
        right, said = slot.value.split(", "), (value or "").split(", ")
        anywhere = slot.kind in ("subset", "choice")
        for place, entry in enumerate(said):
            fits = entry in right if anywhere else right[place : place + 1] == [entry]
            marks.append(f" {entry}{'+' if fits else '-'}")
    return "".join(marks)


def echo_conversation(rng: random.Random, recipe: Recipe) -> list[Segment]:
    """As a rating, but the reply is the answer's values with a mark behind each."""
    item = draw(rng, WEB_POPULARITY)
    head = rating_question(item.instruction, item.reference).replace("Rate the answer from 0 to 9.", "Check the answer.")
    segments = [Segment(head, SKIP)]
    for turn in range(recipe.ratings_per_conversation):
        values: Values = item.draft.right if rng.random() < 0.25 else corrupted(rng, item)
        opening = "" if turn == 0 else f"{USER}Answer: "
        segments.append(Segment(opening + answer(rng, item, values) + ASSISTANT, READ))
        segments.append(Segment(marked(item.slots, values) + END, MARK))
    return segments


def _anything(rng: random.Random) -> str:
    """A number, a word, or a value of some vocabulary."""
    kind = rng.choice((*VOCABULARIES, "number", "number", "number", "word"))
    if kind in VOCABULARIES:
        return rng.choice(VOCABULARIES[kind])
    return rng.choice(WORDS) if kind == "word" else str(rng.randint(1, 200))


def drill_conversation(rng: random.Random) -> list[Segment]:
    """A set, and a reply that says of things whether they are in it."""
    members = [_anything(rng) for _ in range(rng.randint(2, 6))]
    asked = [rng.choice(members) if rng.random() < 0.5 else _anything(rng) for _ in range(rng.randint(4, 8))]
    reply = "".join(f" {thing}{'+' if thing in members else '-'}" for thing in asked)
    return [Segment(f"{USER} {', '.join(members)}.{ASSISTANT}", SKIP), Segment(reply + END, MARK)]


def conversation(rng: random.Random, recipe: Recipe, progress: float) -> list[Segment]:
    """Draw a conversation of the stage that training is in; `progress` is 0 to 1."""
    mixture = recipe.mixture(progress)
    shares = [getattr(mixture, kind) / tokens for kind, tokens in TYPICAL_TOKENS.items()]
    kind = rng.choices(tuple(TYPICAL_TOKENS), shares)[0]
    if kind == "answers":
        return answer_conversation(rng, recipe)
    if kind == "ratings":
        return rating_conversation(rng, recipe, recipe.rubric_noise if progress >= recipe.noise_from else 0.0)
    return echo_conversation(rng, recipe) if kind == "echo" else drill_conversation(rng)


Encoded = tuple[list[int], list[int]]
"""Token ids and their kinds."""


def encode(tokenizer: Tokenizer, conversations: list[list[Segment]]) -> list[Encoded]:
    """Tokenize; a mark token (+ or -) keeps the kind MARK, the repeated values before it are only read."""
    marks = {tokenizer.token_to_id("+"), tokenizer.token_to_id("-")}
    pieces = iter(tokenizer.encode_batch([segment.text for segments in conversations for segment in segments]))
    sequences = []
    for segments in conversations:
        ids: list[int] = []
        kinds: list[int] = []
        for segment in segments:
            encoded = next(pieces).ids
            ids += encoded
            kinds += [READ if segment.kind == MARK and token not in marks else segment.kind for token in encoded]
        sequences.append((ids, kinds))
    return sequences


_STEP = 16
"""Lengths are rounded up to a multiple of this: oneDNN keeps a kernel for every shape it meets, and a process that meets
hundreds of shapes grows by gigabytes and slows down to a half."""


def pad(sequences: list[Encoded], rows: int, length: int) -> Batch:
    """Put sequences into one batch of `rows` x `length`, filled up with id 0."""
    batch = Batch(np.zeros((rows, length), np.int64), np.full((rows, length), SKIP, np.int8))
    for row, (ids, kinds) in enumerate(sequences):
        batch.ids[row, : len(ids)] = ids
        batch.kinds[row, : len(kinds)] = kinds
    return batch


def batches_by_length(rng: random.Random, sequences: list[Encoded], tokens: int) -> Iterator[Batch]:
    """Put sequences of similar length together, at most `tokens` with padding, and shuffle the batches.

    All batches of one length have one shape.
    """
    ordered = sorted(sequences, key=lambda sequence: -len(sequence[0]) - 6 * rng.random())
    batches = []
    while ordered:
        # The order is noisy by 6 tokens: a little further on there may be a longer one.
        length = _rounded(max(len(ids) for ids, _ in ordered[:64]))
        rows = max(1, tokens // length)
        members, ordered = ordered[:rows], ordered[rows:]
        batches.append(pad(members, rows, _rounded(max(length, *(len(ids) for ids, _ in members)))))
    rng.shuffle(batches)
    return iter(batches)


def _rounded(length: int) -> int:
    return -(-length // _STEP) * _STEP


def chunk(recipe: Recipe, tokenizer: Tokenizer, number: int, progress: float, conversations: int) -> list[Batch]:
    """Return the batches of chunk `number`: a pure function of its arguments, so that training can resume inside it."""
    rng = random.Random(f"pocket corpus {recipe.seed} {number}")
    texts = [conversation(rng, recipe, progress) for _ in range(conversations)]
    return list(batches_by_length(rng, encode(tokenizer, texts), recipe.tokens_per_batch))
