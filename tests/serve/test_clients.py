"""What the clients make of what Ray Serve's handles do, with stand-ins for the handles."""

import asyncio

import pytest
from ray.serve.exceptions import BackPressureError

from selfj.rating import Question
from selfj.serve.clients import CALLS, QUESTIONS, Calls, JudgeClient
from selfj.serve.services import Overloaded, Rated
from tests.serve.fakes import rating
from tests.serve.handles import Handle, Standing


def judge(*results, delay_s=0.0, room=-1):
    handle = Handle(list(results), delay_s)
    return JudgeClient(Calls(handle, Standing()), room), handle


def rated_by_length(calls):
    """As a judge's replica answers: the score is the response's length."""
    return [Rated([rating(float(len(item.response))) for item in call], 10 * len(call), len(call)) for call in calls]


def test_requests_that_come_while_calls_are_under_way_share_the_next() -> None:
    client, handle = judge(rated_by_length, delay_s=0.02)

    async def ask():
        return await asyncio.gather(*(client.rate([Question("?", "x" * n)], "r") for n in range(1, 9)))

    rated = asyncio.run(ask())
    assert [answer.ratings[0].score for answer in rated] == list(range(1, 9))
    assert [len(calls) for _, calls in handle.calls] == [1, 4, 3]


def test_many_waiting_questions_do_not_wait_for_the_calls_before() -> None:
    client, handle = judge(rated_by_length, delay_s=0.05)

    async def ask():
        asked = [asyncio.ensure_future(client.rate([Question("?", "x")], "r")) for _ in range(5 + QUESTIONS)]
        await asyncio.sleep(0.01)
        sent = [len(calls) for _, calls in handle.calls]
        await asyncio.gather(*asked)
        return sent

    assert asyncio.run(ask()) == [1, 4, (5 + QUESTIONS + 1) // CALLS]
    assert sum(len(calls) for _, calls in handle.calls) == 5 + QUESTIONS


def test_calls_under_way_are_as_many_as_keep_every_replica_busy_and_much_of_one_size() -> None:
    client, handle = judge(rated_by_length, delay_s=0.02)
    client = JudgeClient(client._calls, -1, replicas=2)

    async def ask():
        await asyncio.gather(*(client.rate([Question("?", "x")], "r") for _ in range(20)))

    asyncio.run(ask())
    assert [len(calls) for _, calls in handle.calls] == [1, 4, 4, 4, 5, 2]


def test_a_call_waits_for_its_fair_share_while_another_is_under_way() -> None:
    client, handle = judge(rated_by_length, delay_s=0.05)

    async def ask():
        many = asyncio.ensure_future(client.rate([Question("?", "x")] * 8, "r"))
        await asyncio.sleep(0)
        few = [asyncio.ensure_future(client.rate([Question("?", "x")], "r")) for _ in range(9)]
        await asyncio.sleep(0.01)
        sent = [sum(map(len, calls)) for _, calls in handle.calls]
        await asyncio.gather(many, *few)
        return sent

    assert asyncio.run(ask()) == [8, 7]
    assert [sum(map(len, calls)) for _, calls in handle.calls] == [8, 7, 2]


def test_a_long_list_is_rated_in_several_calls_and_comes_back_in_order() -> None:
    client, handle = judge(rated_by_length)
    answers = asyncio.run(client.rate([Question("?", "x" * (n % 9)) for n in range(80)], "r"))
    assert [item.score for item in answers.ratings] == [n % 9 for n in range(80)]
    assert (answers.prompt_tokens, answers.cached_tokens) == (800, 80)
    assert [sum(map(len, calls)) for _, calls in handle.calls] == [32, 32, 16]


def test_nothing_to_judge_asks_nobody() -> None:
    client, handle = judge(rated_by_length)
    assert asyncio.run(client.rate([], "r")) == Rated([], 0) and handle.calls == []


def test_one_request_that_goes_away_does_not_cancel_what_it_shares_a_call_with() -> None:
    client, handle = judge(rated_by_length, delay_s=0.05)

    async def ask():
        first = asyncio.gather(*(client.rate([Question("?", "x")], "r") for _ in range(CALLS)))
        await asyncio.sleep(0.01)
        second, third = (asyncio.ensure_future(client.rate([Question("?", "xx")], "r")) for _ in range(2))
        await first
        await asyncio.sleep(0.01)
        second.cancel()
        return await third

    assert asyncio.run(ask()).ratings[0].score == 2
    assert not any(response.cancelled for response in handle.responses)


def test_a_call_that_nobody_wants_any_more_is_cancelled() -> None:
    client, handle = judge(rated_by_length, delay_s=60)

    async def ask():
        task = asyncio.ensure_future(client.rate([Question("?", "x")], "r"))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)

    asyncio.run(ask())
    assert handle.responses[0].cancelled


def test_after_a_failed_call_the_next_one_is_made() -> None:
    client, _ = judge(BackPressureError(9, 8), rated_by_length)

    async def ask():
        with pytest.raises(Overloaded):
            await client.rate([Question("?", "x")], "r")
        return await client.rate([Question("?", "xx")], "r")

    assert asyncio.run(ask()).ratings[0].score == 2


def test_above_the_bound_requests_are_turned_away_at_once() -> None:
    client, _ = judge(rated_by_length, delay_s=0.01, room=2)

    async def ask():
        return await asyncio.gather(*(client.rate([Question("?", "x")], "r") for _ in range(5)), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(ask())] == [Rated, Rated, Overloaded, Overloaded, Overloaded]
