"""How many requests are in work, wait, and are turned away."""

import asyncio

import httpx
import pytest

from selfj.serve.app import create_app
from selfj.serve.guard.admission import Admission, Places, TurnAway
from selfj.serve.observe.metrics import NoMetrics
from selfj.serve.settings import ReplicaSettings
from tests.serve.fakes import FakePolicy, fake_endpoint
from tests.serve.guard.asking import CHAT, JUDGE, chat


class Work:
    """An application whose requests end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.begun.append(scope["path"])
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def behind(work, at_once=1, waiting=1, seconds=60.0):
    admission = Admission(work, Places(at_once, waiting), seconds)
    return httpx.AsyncClient(transport=httpx.ASGITransport(admission), base_url="http://localhost")


async def asked(client, *paths):
    """One request after the other begun; none is awaited."""
    tasks = []
    for path in paths:
        tasks.append(asyncio.ensure_future(client.get(path)))
        for _ in range(20):
            await asyncio.sleep(0)
    return tasks


async def statuses(tasks):
    return [response.status_code for response in await asyncio.gather(*tasks)]


def test_who_finds_the_queue_full_is_turned_away_and_who_waits_is_served_in_turn():
    async def ask():
        work = Work()
        async with behind(work, at_once=2, waiting=1) as client:
            tasks = await asked(client, "/1", "/2", "/3", "/4")
            assert work.begun == ["/1", "/2"] and tasks[3].done()
            work.go_on.set()
            assert await statuses(tasks) == [200, 200, 200, 503]
            assert await statuses(await asked(client, "/5", "/6")) == [200, 200]
        return work.begun, tasks[3].result()

    begun, refused = asyncio.run(ask())
    assert begun == ["/1", "/2", "/3", "/5", "/6"]
    assert refused.headers["retry-after"] == "1" and refused.json()["error"]["type"] == "overloaded_error"


def test_without_a_bound_everybody_may_wait():
    async def ask():
        work = Work()
        async with behind(work, waiting=-1) as client:
            tasks = await asked(client, *"123456789")
            work.go_on.set()
            return await statuses(tasks)

    assert set(asyncio.run(ask())) == {200}


def test_nobody_waits_for_longer_than_a_request_may_take():
    async def ask():
        async with behind(Work(), seconds=0.01) as client:
            first, second = await asked(client, "/1", "/2")
            status = (await second).status_code
            first.cancel()
            return status

    assert asyncio.run(ask()) == 503


def test_a_client_that_leaves_the_queue_leaves_its_place_to_another():
    async def ask():
        work = Work()
        async with behind(work) as client:
            first, second = await asked(client, "/1", "/2")
            second.cancel()
            (third,) = await asked(client, "/3")
            work.go_on.set()
            return await statuses([first, third])

    assert asyncio.run(ask()) == [200, 200]


def test_health_is_never_held_up():
    async def ask():
        work = Work()
        async with behind(work, waiting=0) as client:
            tasks = await asked(client, "/1", "/health", "/health/live", "/health/other")
            work.go_on.set()
            return await statuses(tasks)

    assert asyncio.run(ask()) == [200, 200, 200, 503]


class Counted(NoMetrics):
    """Counts who is turned away."""

    count = 0

    def turned_away(self):
        self.count += 1


async def unread():
    raise AssertionError("the body was read")


def test_while_all_places_are_taken_a_request_is_refused_unread():
    async def ask():
        work, places, metrics, sent = Work(), Places(1, 1), Counted(), []
        app = TurnAway(Admission(work, places, 60.0), places, metrics)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            tasks = await asked(client, "/1", "/2", "/3", "/health")
            refused = await tasks[2]

            async def keep(message):
                sent.append(message)

            await app({"type": "http", "path": "/4"}, unread, keep)
            work.go_on.set()
            return refused, await statuses(tasks), metrics.count, sent

    refused, found, count, sent = asyncio.run(ask())
    assert (found, count) == ([200, 200, 503, 200], 2)
    assert refused.headers["retry-after"] == "1" and refused.headers["cache-control"] == "no-store"
    assert refused.json()["error"] == {
        "message": "too many requests wait already", "type": "overloaded_error", "param": None, "code": 503,
    }  # fmt: skip
    assert sent[1]["body"] == refused.content


@pytest.mark.parametrize("keyed", [False, True])
def test_an_endpoint_turns_requests_away_as_its_settings_say_whoever_asks(monkeypatch, keyed):
    def narrow(settings):
        settings.access.open = not keyed
        settings.ingress_replicas = ReplicaSettings(max_ongoing_requests=1, max_queued_requests=1)

    monkeypatch.setenv("SELFJ_API_KEYS", "right")
    app = create_app(fake_endpoint(FakePolicy(delay_s=0.1), change=narrow))

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            right = {"Authorization": "Bearer right"}
            chats = [client.post(CHAT, json=chat(), headers=right) for _ in range(4)]
            during = await asyncio.gather(*chats, client.post(JUDGE, json={}), client.get("/health"))
            return *during, await client.post(JUDGE, json={})

    *chats, full, health, without_key = asyncio.run(ask())
    assert sorted(response.status_code for response in chats) == [200, 200, 503, 503]
    assert (full.status_code, health.status_code, without_key.status_code) == (503, 200, 401 if keyed else 422)
    refused = next(response for response in chats if response.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["message"] == "too many requests wait already"
