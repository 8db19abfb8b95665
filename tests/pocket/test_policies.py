"""The policies that are shipped, as users of transformers see them."""

import random
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfj.labels import DIGITS, label_token_ids
from selfj.pocket.chat import answer_prompt, rating_prompt
from selfj.pocket.grading import grade
from selfj.pocket.mistakes import WebHabits, corrupted_answer, mistaken
from selfj.pocket.policy import Policy, measure, pearson
from selfj.pocket.recipes import POLICIES, recipe_names
from selfj.pocket.world import answer, item

DEV_SEED = 31


@pytest.fixture(scope="module", params=recipe_names())
def folder(request) -> Path:
    return POLICIES / request.param


@pytest.fixture(scope="module")
def tokenizer(folder: Path):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def policy(folder: Path) -> Policy:
    return Policy.load(folder)


def test_the_folder_is_complete_and_small(folder):
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 15_000_000


def test_it_loads_as_any_causal_model_in_bfloat16(folder):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.bfloat16
    assert model.config.tie_word_embeddings
    assert model.config.max_position_embeddings >= 512


def test_the_chat_template_writes_what_the_policy_was_trained_on(tokenizer):
    turns = [{"role": "user", "content": "What is 1 + 1?"}]
    assert tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True) == answer_prompt("What is 1 + 1?")
    turns.append({"role": "assistant", "content": "2"})
    whole = tokenizer.apply_chat_template(turns, tokenize=False)
    assert whole == "<|user|>What is 1 + 1?<|assistant|>2<|end|>"


def test_a_system_message_goes_before_the_first_question(tokenizer):
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi."}, {"role": "user", "content": "Ho."}]
    assert tokenizer.apply_chat_template(turns, tokenize=False) == "<|user|>Be kind.\nHi.<|user|>Ho."


def test_an_unknown_role_is_an_error(tokenizer):
    with pytest.raises(Exception, match="unknown role tool"):
        tokenizer.apply_chat_template([{"role": "tool", "content": "x"}], tokenize=False)


def test_digits_are_single_tokens_after_a_rating_prompt(tokenizer):
    ids = label_token_ids(tokenizer, rating_prompt("What is 1 + 1?", "2", "3"), DIGITS)
    assert len(set(ids)) == 10


def test_pair_labels_are_single_tokens(tokenizer):
    assert len(set(label_token_ids(tokenizer, "<|user|>x<|assistant|>would be Response", (" A", " B")))) == 2


def test_every_digit_of_a_number_is_a_token(tokenizer):
    assert len(tokenizer.encode("1234567890", add_special_tokens=False)) == 10
    assert len(tokenizer.encode(" 1234567890", add_special_tokens=False)) == 10


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_survives_the_tokenizer(text: str):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(POLICIES / "base")
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text


def test_rare_scripts_and_control_characters_survive_the_tokenizer(tokenizer):
    for text in ("žluťoučký kůň", "漢字かな", "🦊🚀", "\t\r\n \x00", string.printable, "नमस्ते", "a\u0301"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_ratings_with_the_reference_separate_references_from_corrupted_answers(policy):
    rng = random.Random(0)
    items = [item(DEV_SEED, index) for index in range(150)]
    bad = [corrupted_answer(rng, made, WebHabits()) for made in items]
    clearly_bad = [place for place, made in enumerate(items) if grade(made, bad[place]) < 0.5]
    good = policy.ratings(items, [answer(rng, made) for made in items])
    assert good.mean() > policy.ratings(items, bad)[clearly_bad].mean() + 2.0


def test_ratings_with_the_reference_follow_the_grades_of_the_policy_s_own_answers(policy):
    found = measure(policy, [item(DEV_SEED, index) for index in range(300)], 0.8, seed=1)
    assert 0.35 < found.grades.mean() < 0.75
    assert pearson(found.ratings, found.grades) > 0.35


def test_the_policy_makes_the_systematic_mistakes_of_its_text(policy):
    """Precedence ignored is more likely than a random wrong answer of the same form."""
    rng = random.Random(0)
    items = [made for index in range(2000) if (made := item(DEV_SEED, index)).family == "expression" and made.draft.trap][:40]
    typical = policy.mean_log_likelihood(items, [mistaken(rng, made) for made in items])
    random_ones = policy.mean_log_likelihood(items, [corrupted_answer(rng, made, WebHabits(chat=0)) for made in items])
    assert np.mean(typical > random_ones) > 0.7


def test_sampling_is_repeatable(policy):
    questions = [item(DEV_SEED, index).instruction for index in range(8)]
    assert policy.sample(questions, 0.8, seed=3) == policy.sample(questions, 0.8, seed=3)
