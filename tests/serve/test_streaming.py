"""Responses in pieces."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace

import pytest

from selfj.serve.asking import ask_of
from selfj.serve.services import Overloaded, Unavailable
from selfj.serve.streaming import PIECE, at_once, events, started
from selfj.serve.types.chat import ChatRequest
from tests.serve.fakes import FakeJudge, FakePolicy, fake_endpoint

ALWAYS = {"model": "pocket@always", "messages": [{"role": "user", "content": "Hello"}]}


def ask(endpoint, **fields):
    return ask_of(ChatRequest.model_validate(ALWAYS | fields), endpoint, "req-1")


def streamed(endpoint, **fields):
    async def chunks():
        return [chunk async for chunk in at_once(endpoint, ask(endpoint, **fields), False)]

    return asyncio.run(chunks())


def said(chunks, index=0):
    choices = [chunk.choices[0] for chunk in chunks]
    return "".join(choice.delta.content or "" for choice in choices if choice.index == index)


@pytest.mark.parametrize("text", ["", " ", "\n\nfirst\n\n\nlast \t ", "x" * 100, "one " * 40, "é " * 49 + "\U0001f600" * 60])
def test_pieces_together_are_the_text(text):
    assert "".join(PIECE.findall(text)) == text


def test_pieces_end_between_words():
    text = "word " * 50
    assert len(PIECE.findall(text)) > 3
    assert all(piece.endswith(" ") for piece in PIECE.findall(text))


def test_what_streams_at_once_is_the_answer_and_its_score_comes_last():
    chunks = streamed(fake_endpoint(FakePolicy(["one two three"]), FakeJudge(default=3.5)))
    assert said(chunks) == "one two three"
    assert [chunk.choices[0].selfj is None for chunk in chunks] == [True] * (len(chunks) - 1) + [False]
    assert chunks[-1].choices[0].selfj.score == 3.5
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_nothing_is_judged_before_all_is_sent():
    judge = FakeJudge()
    endpoint = fake_endpoint(FakePolicy(["one two"]), judge)

    async def asked_after_each():
        async for chunk in at_once(endpoint, ask(endpoint), False):
            yield len(judge.asked), chunk.choices[0].finish_reason

    async def gathered():
        return [pair async for pair in asked_after_each()]

    assert asyncio.run(gathered()) == [(0, None), (0, None), (0, None), (1, "stop")]


def test_several_answers_stream_side_by_side():
    chunks = streamed(fake_endpoint(FakePolicy(["one two", "three four"])), n=2)
    assert (said(chunks, 0), said(chunks, 1)) == ("one two", "three four")
    assert [chunk.choices[0].index for chunk in chunks if chunk.choices[0].finish_reason] == [0, 1]


def test_a_judge_that_fails_after_the_answer_was_sent_leaves_a_null_score_with_the_reason():
    chunks = streamed(fake_endpoint(FakePolicy(["one"]), FakeJudge(problem=Unavailable("no judge is there"))))
    verdict = chunks[-1].choices[0].selfj
    assert verdict.answered
    assert verdict.score is None
    assert verdict.reason == "no judge is there"


def test_a_policy_that_fails_before_the_first_piece_fails_the_request():
    endpoint = fake_endpoint(FakePolicy(problem=Overloaded("too many requests wait")))

    async def begun():
        await started(at_once(endpoint, ask(endpoint), False))

    with pytest.raises(Overloaded):
        asyncio.run(begun())


class Breaking(FakePolicy):
    async def stream(self, call):
        async for delta in super().stream(call):
            yield replace(delta, finish_reason=None)
            raise Unavailable("the replica is gone")


def test_a_policy_that_fails_on_the_way_ends_the_stream_with_an_error_and_without_done():
    endpoint = fake_endpoint(Breaking(["one two"]))

    async def sent():
        return [event async for event in events(at_once(endpoint, ask(endpoint), False))]

    last = asyncio.run(sent())[-1]
    assert json.loads(last.removeprefix(b"data: "))["error"]["message"] == "the replica is gone"


def test_a_client_that_goes_away_cancels_the_policy_s_work():
    policy = FakePolicy(["one two three"])
    endpoint = fake_endpoint(policy)

    async def two_pieces_only():
        async with aclosing(events(await started(at_once(endpoint, ask(endpoint), False)))) as pieces:
            await anext(pieces)
            await anext(pieces)

    asyncio.run(two_pieces_only())
    assert policy.cancelled == 1
