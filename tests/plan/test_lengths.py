"""Lengths of texts: exact with the policy's tokenizer, else by a stated rule."""

from pathlib import Path

from selfj.config import SampleSettings, Settings
from selfj.plan.lengths import ASSUMED_REFERENCE, Text, measure
from selfj.prompts import PromptEncoder, load_tokenizer
from tests.plan.inputs import write_policy


def test_with_the_policys_tokenizer_prompts_are_counted_as_they_will_be_read(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(write_policy(tmp_path / "policy")))
    encoder = PromptEncoder(tokenizer, "short", max_tokens=1024)
    lengths = measure([Text("What is 12 + 34?", "The answer is 46.")], Settings(prompts="short"), encoder)
    answer = len(tokenizer.encode("The answer is 46.", add_special_tokens=False)) + 1
    assert lengths.response == answer
    assert lengths.answer_prompt == len(encoder.answer_ids("What is 12 + 34?"))
    assert lengths.rating_reference == len(encoder.rating_ids("What is 12 + 34?", "", "The answer is 46.")) + answer
    assert "first 1 rows" in lengths.source and "the policy's tokenizer" in lengths.source


def test_a_reference_longer_than_a_prompt_may_be_does_not_end_the_plan(tmp_path: Path) -> None:
    encoder = PromptEncoder(load_tokenizer(str(write_policy(tmp_path / "policy"))), "short", max_tokens=64)
    lengths = measure([Text("What is it?", "word " * 500)], Settings(prompts="short"), encoder)
    assert lengths.rating_reference > 500


def test_without_it_four_characters_are_a_token_and_the_plan_says_so() -> None:
    lengths = measure([Text("x" * 400, "y" * 800)], Settings(), None)
    assert lengths.response == 201 and 100 < lengths.answer_prompt < 150
    assert lengths.rating_reference - lengths.rating > 200
    assert (lengths.characters, lengths.response_characters) == (1200, 800)
    assert "4 characters a token" in lengths.source


def test_answers_end_where_the_settings_end_them() -> None:
    assert measure([Text("x", "y" * 8000)], Settings(sample=SampleSettings(max_tokens=64)), None).response == 64


def test_where_no_row_can_be_read_the_assumed_lengths_are_named() -> None:
    assert f"{ASSUMED_REFERENCE} characters" in measure([], Settings(), None).source
