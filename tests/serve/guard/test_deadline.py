"""Time limits, and clients that go away."""

import asyncio
import json

import pytest

from tests.serve.fakes import FakePolicy
from tests.serve.guard.asking import CHAT, chat, client


def hasty(settings):
    settings.limits.request_s = 0.05


def test_a_request_that_takes_too_long_is_504_and_its_work_is_cancelled():
    policy = FakePolicy(delay_s=60)
    response = client(policy, change=hasty).post(CHAT, json=chat())
    assert response.status_code == 504
    assert response.json()["error"]["type"] == "timeout_error"
    assert "0.05 s" in response.json()["error"]["message"]
    assert policy.cancelled == 1


def test_a_stream_that_takes_too_long_ends_with_the_error_and_its_work_is_cancelled():
    policy = FakePolicy(["one " * 50], delay_s=0.01)

    def slower(settings):
        settings.limits.request_s = 0.2

    response = client(policy, change=slower).post(CHAT, json=chat(stream=True))
    last = response.text.strip().split("\n\n")[-1].removeprefix("data: ")
    assert response.status_code == 200
    assert json.loads(last)["error"]["code"] == 504
    assert policy.cancelled == 1


@pytest.mark.parametrize("stream", [False, True])
def test_the_work_of_a_client_that_went_away_is_cancelled(stream):
    policy = FakePolicy(["one " * 50], delay_s=0.02 if stream else 60)
    sent = asyncio.run(_left(client(policy).app, json.dumps(chat(stream=stream)).encode()))
    assert policy.cancelled == 1
    assert [message for message in sent if message.get("status", 200) != 200] == []


async def _left(app, body):
    """What is sent to a client that leaves 50 ms after its request."""
    messages, sent = [{"type": "http.request", "body": body}], []

    async def receive():
        if messages:
            return messages.pop()
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "POST",
        "path": CHAT,
        "raw_path": CHAT.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
    }
    await asyncio.wait_for(app(scope, receive, send), 10)
    return sent
