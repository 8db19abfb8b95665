"""A policy's client: what it makes of what Ray Serve's handles do, with stand-ins for the handles."""

import asyncio
from dataclasses import replace

import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from selfj.serve import clients, policy_client
from selfj.serve.clients import Calls, Refusal
from selfj.serve.policy_client import CALLS_TOGETHER, PolicyClient
from selfj.serve.services import Delta, Overloaded, PolicyAnswer, PromptRefused, SampleCall, Sampled, Unavailable
from tests.serve.handles import Handle, Standing

CALL = SampleCall([{"role": "user", "content": "?"}], [1], 1.0, 1.0, 8, [], "r")
NOTHING = Sampled([], 3)


def answers(calls):
    """As a replica that answers all at once."""
    return [dict.fromkeys(calls, NOTHING)]


def one_by_one(calls):
    """As a replica that finishes one after the other, the last first; an answer is its request's id."""
    return [{key: Sampled([PolicyAnswer(calls[key].request_id, 1, "stop", None)], 3)} for key in reversed(calls)]


def call(number: int) -> SampleCall:
    return replace(CALL, request_id=str(number))


def texts(sampled) -> list[str]:
    return [one.answers[0].text for one in sampled]


def policy(*results, delay_s=0.0, running=True, room=-1):
    handle = Handle(list(results), delay_s)
    return PolicyClient(Calls(handle, Standing(running)), room), handle


def test_a_call_whose_replica_dies_is_made_once_more() -> None:
    client, handle = policy(ActorDiedError(), answers)
    assert asyncio.run(client.sample(CALL)) == NOTHING
    assert [(method, list(calls.values())) for method, calls in handle.calls] == [("sample_each", [CALL])] * 2


def test_after_three_deaths_it_is_unavailable() -> None:
    client, handle = policy(ActorDiedError())
    with pytest.raises(Unavailable):
        asyncio.run(client.sample(CALL))
    assert len(handle.calls) == 3


def stopped() -> Exception:
    """As Ray hands on what a replica raises: of its kind, with the replica's stack trace as its text."""
    cause = Unavailable("the engine has stopped")
    return RayTaskError("rate_each", 'File "/srv/secret/engine.py", line 7', cause).as_instanceof_cause()


def test_where_an_engine_has_stopped_another_replica_is_asked() -> None:
    client, handle = policy(stopped(), answers)
    assert asyncio.run(client.sample(CALL)) == NOTHING and len(handle.calls) == 2


def test_the_stack_trace_of_a_replica_reaches_no_client() -> None:
    client, handle = policy(stopped())
    with pytest.raises(Unavailable) as problem:
        asyncio.run(client.sample(CALL))
    assert "secret" not in str(problem.value) and len(handle.calls) == 3
    client, _ = policy([Delta(0, "a", 1, 3, None), stopped()])
    with pytest.raises(Unavailable) as problem:
        pieces_of(client)
    assert "secret" not in str(problem.value)


def test_a_deployment_that_is_not_there_is_unavailable() -> None:
    for result in (DeploymentUnavailableError("Policy"), [DeploymentUnavailableError("Policy")]):
        with pytest.raises(Unavailable, match="not there"):
            client, _ = policy(result)
            asyncio.run(client.sample(CALL)) if isinstance(result, Exception) else pieces_of(client)


def test_too_many_waiting_requests_are_an_overload() -> None:
    client, _ = policy(BackPressureError(9, 8))
    with pytest.raises(Overloaded) as problem:
        asyncio.run(client.sample(CALL))
    assert problem.value.retry_after_s


def test_a_refused_prompt_comes_back_with_its_field() -> None:
    client, _ = policy(lambda calls: [dict.fromkeys(calls, Refusal("messages: too long", "messages"))])
    with pytest.raises(PromptRefused, match="too long") as problem:
        asyncio.run(client.sample(CALL))
    assert problem.value.field == "messages"


def test_without_a_replica_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE_S", 0.01)
    client, handle = policy(answers, delay_s=60, running=False)
    with pytest.raises(Unavailable):
        asyncio.run(client.sample(CALL))
    assert handle.responses[0].cancelled


def test_cancelling_a_request_cancels_its_call() -> None:
    client, handle = policy(answers, delay_s=60)

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.sample(CALL), 0.01)

    asyncio.run(give_up())
    assert handle.responses[0].cancelled


async def together(client, *numbers):
    return await asyncio.gather(*(client.sample(call(number)) for number in numbers))


def test_requests_that_come_close_together_share_a_call_and_each_gets_its_own_answer() -> None:
    client, handle = policy(one_by_one, delay_s=0.05)

    async def ask():
        first = asyncio.ensure_future(client.sample(call(0)))
        await asyncio.sleep(0)
        return await asyncio.gather(first, together(client, 1, 2, 3))

    first, others = asyncio.run(ask())
    assert texts([first, *others]) == ["0", "1", "2", "3"]
    assert [len(calls) for _, calls in handle.calls] == [1, 3]


def test_a_request_that_finds_nothing_under_way_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_client, "GATHER_S", 3600)
    client, handle = policy(one_by_one)
    assert texts(asyncio.run(together(client, *range(1 + CALLS_TOGETHER)))) == [str(n) for n in range(1 + CALLS_TOGETHER)]
    assert [len(calls) for _, calls in handle.calls] == [1, CALLS_TOGETHER]


def test_an_answer_does_not_wait_for_the_others_of_its_call() -> None:
    client, _ = policy(lambda calls: [*one_by_one(calls)[:1], {}, {}, *one_by_one(calls)[1:]], delay_s=0.01)
    client._tasks.add("something under way")

    async def ask():
        tasks = [asyncio.ensure_future(client.sample(call(number))) for number in range(2)]
        done, left = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        assert done == {tasks[1]} and left == {tasks[0]}
        return await tasks[0]

    assert texts([asyncio.run(ask())]) == ["0"]


def test_what_a_replica_that_dies_has_left_undone_is_asked_of_another() -> None:
    client, handle = policy(lambda calls: [*one_by_one(calls)[:2], ActorDiedError()], one_by_one)
    client._tasks.add("something under way")

    sampled = asyncio.run(together(client, 0, 1, 2))
    assert texts(sampled) == ["0", "1", "2"]
    assert [[one.request_id for one in calls.values()] for _, calls in handle.calls] == [["0", "1", "2"], ["0"]]


def test_a_request_that_goes_away_ends_by_itself_and_the_last_one_ends_the_call() -> None:
    client, handle = policy(answers, delay_s=60)
    client._tasks.add("something under way")

    async def ask():
        tasks = [asyncio.ensure_future(client.sample(call(number))) for number in range(2)]
        await asyncio.sleep(0.05)
        key = next(iter(handle.calls[0][1]))
        for task in tasks:
            task.cancel()
            await asyncio.sleep(0.01)
        return key

    assert handle.told == [("forget", asyncio.run(ask()))] and handle.responses[0].cancelled


def test_above_the_bound_requests_are_turned_away() -> None:
    client, _ = policy(answers, delay_s=0.01, room=2)

    async def ask():
        return await asyncio.gather(*(client.sample(CALL) for _ in range(4)), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(ask())] == [Sampled, Sampled, Overloaded, Overloaded]


def pieces_of(client) -> list[Delta]:
    async def collect():
        return [delta async for delta in client.stream(CALL)]

    return asyncio.run(collect())


def test_a_stream_gives_its_pieces() -> None:
    deltas = [Delta(0, "a", 1, 3, None), Delta(0, "b", 2, 3, "stop")]
    client, _ = policy(list(deltas))
    assert pieces_of(client) == deltas


def test_a_stream_starts_again_if_its_replica_dies_before_the_first_piece() -> None:
    delta = Delta(0, "a", 1, 3, "stop")
    client, handle = policy([ActorDiedError()], [delta])
    assert pieces_of(client) == [delta] and len(handle.calls) == 2


def test_a_stream_that_has_begun_is_not_begun_again() -> None:
    client, handle = policy([Delta(0, "a", 1, 3, None), ActorDiedError()])
    with pytest.raises(Unavailable):
        pieces_of(client)
    assert len(handle.calls) == 1


def test_closing_a_stream_cancels_its_call() -> None:
    client, handle = policy([Delta(0, "a", 1, 3, None), Delta(0, "b", 2, 3, "stop")])

    async def first():
        stream = client.stream(CALL)
        await anext(stream)
        await stream.aclose()

    asyncio.run(first())
    assert handle.responses[0].cancelled
