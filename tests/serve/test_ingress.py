"""An ingress on a real Ray Serve, with models of its own process: what it answers when more is asked than it takes."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest

from selfj.serve.deployments import ingress_options
from selfj.serve.settings import ReplicaSettings, ServeSettings
from tests.serve.guard.asking import CHAT, chat
from tests.serve.ports import free_port

pytestmark = pytest.mark.ray

NARROW = ReplicaSettings(max_ongoing_requests=1, max_queued_requests=2)


@pytest.fixture(scope="module")
def narrow(ray_local) -> Iterator[str]:
    """The address of an ingress that works on one request at a time, a second each, and lets two wait."""
    from ray import serve

    @serve.ingress()
    class Narrow:
        def __serve_build_asgi_app__(self):
            from selfj.serve.app import create_app
            from tests.serve.fakes import FakePolicy, fake_endpoint

            return create_app(fake_endpoint(FakePolicy(delay_s=1), change=self.narrow))

        def narrow(self, settings):
            settings.ingress_replicas = NARROW

    port = free_port()
    options = ingress_options(ServeSettings(ingress_replicas=NARROW, drain_s=1))
    try:
        serve.start(http_options={"port": port, "request_timeout_s": None})
        serve.run(serve.deployment(Narrow).options(name="narrow", **options).bind(), name="narrow", route_prefix="/")
        yield f"http://localhost:{port}"
    finally:
        serve.shutdown()


def test_who_finds_the_queue_full_gets_our_error_object_from_ray_serve_too(narrow):
    async def ask():
        async with httpx.AsyncClient(base_url=narrow, timeout=60) as client:
            chats = [asyncio.ensure_future(client.post(CHAT, json=chat())) for _ in range(8)]
            await asyncio.wait(chats, return_when=asyncio.FIRST_COMPLETED)
            return await client.get("/health"), await asyncio.gather(*chats)

    health, chats = asyncio.run(ask())
    assert sorted(response.status_code for response in chats) == [200] * 3 + [503] * 5
    assert health.status_code == 200
    for response in chats:
        if response.status_code == 503:
            assert response.headers["retry-after"] == "1" and response.headers["x-request-id"]
            assert response.json()["error"]["message"] == "too many requests wait already"
