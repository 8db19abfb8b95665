"""What the policy refuses before its engine is asked."""

import asyncio
from types import SimpleNamespace

import pytest

from selfj.prompts import PromptEncoder
from selfj.selfjudge.pairs import Pair
from selfj.selfjudge.pairwise import PairRater
from selfj.serve import roles
from selfj.serve.roles import PairJudge, Policy
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


class LabelEngine:
    """An engine that always finds the answer shown second the better one."""

    def __init__(self, labels_of):
        self.engine = SimpleNamespace(context=400, tokenizer=make_tokenizer("qwen"))
        self.labels_of, self.asked = labels_of, []

    async def generate(self, prompts, parameters, adapted=False):
        self.asked.append((len(prompts), adapted))
        first, second = self.labels_of()
        logprobs = {first: SimpleNamespace(logprob=-2.0), second: SimpleNamespace(logprob=-0.5)}
        output = SimpleNamespace(outputs=[SimpleNamespace(logprobs=[logprobs])], num_cached_tokens=3)
        return [output] * len(prompts)


def test_a_model_that_compares_is_asked_about_all_pairs_at_once_in_both_orders(monkeypatch):
    monkeypatch.setattr(roles, "label_parameters", lambda labels: labels)
    engine = LabelEngine(lambda: judge._rater.encoder.labels)
    judge = PairJudge(engine, PairRater(engine.engine, "short"))
    pairs = [Pair("What is 2?", "two", "three"), Pair("why " * 400, "a", "b"), Pair("What is 3?", "three", "two")]
    compared = asyncio.run(judge.compare(pairs, "id"))
    assert engine.asked == [(4, False)] and compared.cached_tokens == 4 * 3
    one, too_long, other = compared.verdicts
    assert one.tie and one.flips and other.tie, "it only looks at the place"
    assert too_long.reason is not None and compared.prompt_tokens > 4 * 10


def test_a_prompt_that_fills_the_context_is_refused_with_its_length():
    assert "the model's context is 200" in refusal("word " * 300)


def test_a_prompt_above_the_limit_is_refused_with_the_limit():
    assert "at most 10 are taken" in refusal("word " * 20, longest_prompt=10)
