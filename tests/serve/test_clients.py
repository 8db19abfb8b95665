"""What the clients make of what Ray Serve's handles do, with stand-ins for the handles."""

import asyncio
from dataclasses import dataclass, field

import pytest
from ray.exceptions import ActorDiedError, RayTaskError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError

from selfj.rating import Question
from selfj.serve import clients
from selfj.serve.clients import CALLS, QUESTIONS, Calls, JudgeClient, PolicyClient, Refusal
from selfj.serve.services import Delta, Overloaded, PromptRefused, Rated, SampleCall, Sampled, Unavailable
from tests.serve.fakes import rating

CALL = SampleCall([{"role": "user", "content": "?"}], [1], 1.0, 1.0, 8, [], "r")
NOTHING = Sampled([], 3)


@dataclass
class Response:
    """What a handle returns: awaited, it gives the next of `results`; iterated, the pieces of it."""

    result: object
    delay_s: float = 0
    cancelled: bool = False

    def __await__(self):
        return self._result().__await__()

    async def _result(self):
        await asyncio.sleep(self.delay_s)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    async def __anext__(self):
        await asyncio.sleep(self.delay_s)
        if not self.result:
            raise StopAsyncIteration
        piece = self.result.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def cancel(self):
        self.cancelled = True


@dataclass
class Handle:
    """A deployment handle; `results` are values, or functions of the arguments, one for each call."""

    results: list
    delay_s: float = 0
    responses: list[Response] = field(default_factory=list)
    calls: list[tuple] = field(default_factory=list)

    def options(self, stream):
        assert stream
        return self

    def __getattr__(self, method):
        return _Method(self, method)


@dataclass
class _Method:
    handle: Handle
    name: str

    def remote(self, *arguments):
        self.handle.calls.append((self.name, *arguments))
        result = self.handle.results.pop(0) if len(self.handle.results) > 1 else self.handle.results[0]
        response = Response(result(*arguments) if callable(result) else result, self.handle.delay_s)
        self.handle.responses.append(response)
        return response


@dataclass
class Standing:
    """Stands for Replicas."""

    there: bool = True

    def lost(self):
        pass

    async def any(self):
        return self.there

    async def running(self):
        return self.there


def policy(*results, delay_s=0.0, running=True):
    handle = Handle(list(results), delay_s)
    return PolicyClient(Calls(handle, Standing(running))), handle


def judge(*results, delay_s=0.0, room=-1):
    handle = Handle(list(results), delay_s)
    return JudgeClient(Calls(handle, Standing()), room), handle


def rated_by_length(calls):
    """As a judge's replica answers: the score is the response's length."""
    return [Rated([rating(float(len(item.response))) for item in call], 10 * len(call), len(call)) for call in calls]


def test_a_call_whose_replica_dies_is_made_once_more() -> None:
    client, handle = policy(ActorDiedError(), NOTHING)
    assert asyncio.run(client.sample(CALL)) == NOTHING
    assert handle.calls == [("sample", CALL)] * 2


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
    client, handle = policy(stopped(), NOTHING)
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
    client, _ = policy(Refusal("messages: too long", "messages"))
    with pytest.raises(PromptRefused, match="too long") as problem:
        asyncio.run(client.sample(CALL))
    assert problem.value.field == "messages"


def test_without_a_replica_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE_S", 0.01)
    client, handle = policy(NOTHING, delay_s=60, running=False)
    with pytest.raises(Unavailable):
        asyncio.run(client.sample(CALL))
    assert handle.responses[0].cancelled


def test_cancelling_a_request_cancels_its_call() -> None:
    client, handle = policy(NOTHING, delay_s=60)

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.sample(CALL), 0.01)

    asyncio.run(give_up())
    assert handle.responses[0].cancelled


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
