"""Size of bodies."""

import asyncio

import httpx
import pytest

from selfj.serve.guard.body import LimitBody
from tests.serve.guard.asking import CHAT, chat, client


def small(settings):
    settings.limits.body_bytes = 300


def test_a_body_within_the_limit_is_answered():
    assert client(change=small).post(CHAT, json=chat()).status_code == 200


@pytest.mark.parametrize("content", [b"x" * 301, iter([b"x" * 200, b"x" * 200])], ids=["declared", "in chunks"])
def test_a_longer_body_is_413_whether_its_length_is_declared_or_not(content):
    response = client(change=small).post(CHAT, content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.json()["error"]["param"] == "body"
    assert "300 bytes" in response.json()["error"]["message"]


def test_a_declared_length_is_believed_before_anything_is_read():
    read = []

    async def receive():
        read.append(1)
        return {"type": "http.request", "body": b"", "more_body": True}

    assert answered(receive, [(b"content-length", b"9" * 30)]) == [413]
    assert not read


def test_a_body_that_does_not_come_is_408():
    async def receive():
        await asyncio.sleep(60)

    assert answered(receive, [], seconds=0.01) == [408]


def test_a_client_that_leaves_while_it_sends_gets_nothing():
    async def receive():
        return {"type": "http.disconnect"}

    assert answered(receive, []) == []


def answered(receive, headers, seconds=5.0):
    """Statuses that a guard of 300 bytes sends."""
    statuses = []

    async def send(message):
        statuses.extend([message["status"]] if "status" in message else [])

    guard = LimitBody(None, limit=300, seconds=seconds)  # the application would fail if it were asked
    asyncio.run(guard({"type": "http", "headers": headers}, receive, send))
    return statuses


def test_the_application_reads_the_body_as_it_was_sent():
    app = client().app
    transport = httpx.ASGITransport(app)

    async def posted():
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.post(CHAT, json=chat(model="pocket@" + "ü" * 100))

    assert "ü" * 100 in asyncio.run(posted()).json()["error"]["message"]
