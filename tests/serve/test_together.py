"""Several requests in one call to a replica."""

import asyncio
from contextlib import aclosing

import pytest

from selfj.serve import together
from selfj.serve.together import Together


async def after(seconds, value):
    await asyncio.sleep(seconds)
    if isinstance(value, Exception):
        raise value
    return value


async def never(ended):
    try:
        await asyncio.sleep(3600)
    finally:
        ended.append(True)


async def all_of(work):
    return [piece async for piece in Together().run(work)]


def test_each_is_given_back_as_soon_as_it_is_finished_and_neighbours_in_time_together(monkeypatch):
    monkeypatch.setattr(together, "PAUSE_S", 0.1)
    work = {"late": after(0.5, "c"), "first": after(0, "a"), "beside": after(0.01, "b")}
    assert asyncio.run(all_of(work)) == [{"first": "a", "beside": "b"}, {"late": "c"}]


def test_one_that_is_forgotten_ends_and_the_others_go_on():
    ended = []

    async def forget_one():
        running = Together()
        async with aclosing(running.run({"kept": after(0.05, "a"), "gone": never(ended)})) as pieces:
            asyncio.get_running_loop().call_later(0.01, running.forget, "gone")
            return [piece async for piece in pieces], running._tasks

    pieces, left = asyncio.run(forget_one())
    assert [piece for piece in pieces if piece] == [{"kept": "a"}] and ended == [True] and left == {}


def test_nobody_is_ended_by_a_key_that_is_not_there():
    Together().forget("unknown")


def test_closing_the_pieces_ends_all():
    ended = []

    async def close():
        async with aclosing(Together().run({"a": never(ended), "b": never(ended), "c": after(0, 1)})) as pieces:
            await anext(pieces)
        await asyncio.sleep(0)

    asyncio.run(close())
    assert ended == [True, True]


def test_what_fails_fails_for_all():
    ended = []
    with pytest.raises(RuntimeError, match="engine"):
        asyncio.run(all_of({"a": after(0, RuntimeError("the engine")), "b": never(ended)}))
    assert ended == [True]
