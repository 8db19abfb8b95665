"""What the policy refuses before its engine is asked."""

import asyncio
from types import SimpleNamespace

import pytest

from selfj.prompts import PromptEncoder
from selfj.serve.roles import Policy
from selfj.serve.services import PromptRefused, SampleCall
from tests.tiny_models import make_tokenizer


def refusal(text, longest_prompt=0):
    """What is said to a message of a policy with 200 tokens of context, whose engine cannot be asked."""
    engine = SimpleNamespace(engine=SimpleNamespace(context=200))
    policy = Policy(engine, PromptEncoder(make_tokenizer("gemma"), "short", 200), longest_prompt)
    call = SampleCall([{"role": "system", "content": "x"}, {"role": "user", "content": text}], [1], 1.0, 1.0, 8, [], "id")
    with pytest.raises(PromptRefused) as problem:
        asyncio.run(policy.sample(call))
    assert problem.value.field == "messages"
    return str(problem.value)


def test_a_prompt_that_fills_the_context_is_refused_with_its_length():
    assert "the model's context is 200" in refusal("word " * 300)


def test_a_prompt_above_the_limit_is_refused_with_the_limit():
    assert "at most 10 are taken" in refusal("word " * 20, longest_prompt=10)
