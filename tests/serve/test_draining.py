"""What an ingress does while it is closed."""

import asyncio

import httpx
from fastapi import FastAPI

from selfj.serve.draining import Drain


def slow_app(seconds: float) -> Drain:
    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        await asyncio.sleep(seconds)
        return "done"

    return Drain(app)


async def closed_while_one_is_under_way(app: Drain, limit_s: float) -> tuple[int, list[httpx.Response]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        first = asyncio.ensure_future(client.get("/"))
        await asyncio.sleep(0.02)
        closing = asyncio.ensure_future(app.close(limit_s))
        await asyncio.sleep(0)
        second = await client.get("/")
        return await closing, [await first, second]


def test_what_is_under_way_is_finished_and_nothing_new_is_let_in() -> None:
    left, (first, second) = asyncio.run(closed_while_one_is_under_way(slow_app(0.1), 10))
    assert left == 0 and first.text == '"done"'
    assert second.status_code == 503 and second.headers["retry-after"] == "2"


def test_after_the_limit_nobody_waits_any_longer() -> None:
    left, _ = asyncio.run(closed_while_one_is_under_way(slow_app(0.3), 0.01))
    assert left == 1
