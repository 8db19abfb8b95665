"""Prompts: one wrapping for training and use."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfj.errors import ModelError
from selfj.prompts import RATING_PROMPTS, PromptEncoder, PromptTooLong, load_tokenizer
from tests.tiny_models import ARCHITECTURES, make_tokenizer


@pytest.mark.parametrize("prompts", RATING_PROMPTS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_rating_prompt_holds_its_texts_in_order(architecture: str, prompts: str) -> None:
    encoder = PromptEncoder(make_tokenizer(architecture), prompts, 1000)
    text = encoder.rating_text("INSTR {x}", "RESP {reference}", "REF {instruction}")
    assert 0 < text.index("INSTR {x}") < text.index("REF {instruction}") < text.index("RESP {reference}")
    assert "REF" not in encoder.rating_text("INSTR", "RESP")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_short_form_of_the_prompt_is_what_the_pocket_policy_learnt(architecture: str) -> None:
    text = PromptEncoder(make_tokenizer(architecture), "short", 1000).rating_text("I", "A", "R")
    assert "Rate the answer from 0 to 9.\nQuestion: I\nReference: R\nAnswer: A" in text


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_long_answer_loses_its_middle_and_nothing_else(architecture: str) -> None:
    encoder = PromptEncoder(make_tokenizer(architecture), "standard", 400)
    long = encoder.rating_ids("What is it?", "begin " + "word " * 2000 + "finish", "It is so.")
    text = encoder.tokenizer.decode(long)
    assert len(long) == 400
    assert "What is it?" in text and "It is so." in text and "begin" in text and "finish" in text
    tail = encoder.rating_ids("What is it?", "x")[-3:]
    assert long[-3:] == tail


def test_an_instruction_that_fills_the_prompt_alone_is_said_to_be_too_long() -> None:
    encoder = PromptEncoder(make_tokenizer("qwen"), "short", 50)
    with pytest.raises(PromptTooLong, match="of 50 tokens"):
        encoder.rating_ids("word " * 200, "answer")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300), st.text(max_size=300), st.none() | st.text(max_size=100))
def test_no_prompt_is_ever_longer_than_asked(instruction: str, response: str, reference: str | None) -> None:
    encoder = PromptEncoder(_tokenizer(), "short", 120)
    with contextlib.suppress(PromptTooLong):
        assert 0 < len(encoder.rating_ids(instruction, response, reference)) <= 120


def _tokenizer(cache: dict = {}) -> object:  # noqa: B006 - one tokenizer for all examples
    return cache.setdefault("qwen", make_tokenizer("qwen"))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_system_prompt_reaches_models_with_and_without_a_system_role(architecture: str) -> None:
    encoder = PromptEncoder(make_tokenizer(architecture), "short", 100, system_prompt="Be brief.")
    assert "Be brief." in encoder.tokenizer.decode(encoder.answer_ids("What?"))


def test_a_model_without_a_chat_template_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"policy\.chat_template"):
        PromptEncoder(make_tokenizer("llama", template=False), "short", 100)
    template = tmp_path / "chat.jinja"
    template.write_text("{% for m in messages %}U: {{ m['content'] }} A: {% endfor %}")
    make_tokenizer("llama", template=False).save_pretrained(tmp_path)
    tokenizer = load_tokenizer(str(tmp_path), str(template))
    assert PromptEncoder(tokenizer, "short", 100).rating_text("I", "R").startswith("U: Rate")


def test_a_folder_without_a_tokenizer_is_an_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no tokenizer") as problem:
        load_tokenizer(str(tmp_path))
    assert "\n" not in str(problem.value)
    with pytest.raises(ModelError, match="chat_template"):
        make_tokenizer("llama").save_pretrained(tmp_path)
        load_tokenizer(str(tmp_path), str(tmp_path / "missing.jinja"))
