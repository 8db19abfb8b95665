"""The load generator counts what it sent and what came back."""

import importlib.util
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.serve.ports import listening

FILE = Path(__file__).parents[2] / "benchmarks" / "load.py"


@pytest.fixture(scope="module")
def loading():
    spec = importlib.util.spec_from_file_location("selfj_load", FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for their module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def server():
    """Answers its n-th request with n; every fifth is refused."""
    app = FastAPI()
    app.state.seen = []

    @app.post("/")
    async def answer(request: Request):
        number = int(await request.body())
        app.state.seen.append(number)
        if number % 5 == 4:
            return JSONResponse({}, status_code=503, headers={"Retry-After": "0.01"})
        return {"number": number}

    with listening(app) as address:
        yield app, address


class Numbers:
    """Requests whose body is their number."""

    def __init__(self, url: str, count: int) -> None:
        self.url, self.count = url, count

    def __len__(self):
        return self.count

    async def ask(self, post, number):
        return await post(self.url, str(number).encode())

    def valid(self, number, body):
        return body == f'{{"number":{number}}}'.encode() and number != 1


def test_every_request_is_sent_once_and_every_reply_counted(loading, server):
    app, address = server
    app.state.seen.clear()
    done = loading.load(Numbers(f"{address}/", 50), loading.Plan(clients=4, seconds=60, warm_up_s=0))
    assert sorted(app.state.seen) == list(range(50))
    summary = done.summary()
    assert summary["statuses"] == {"200": 40, "503": 10}
    assert summary["invalid"] == 1, "number 1, whatever its status, is no answer to this asker"
    assert summary["ran_out"]
    assert 0 < summary["p50_ms"] <= summary["p95_ms"] <= summary["p99_ms"]
    assert {one.reply.retry_after for one in done.timed if one.reply.status == 503} == {"0.01"}


def test_a_client_waits_for_its_answer_before_it_asks_again(loading, server):
    _, address = server
    done = loading.load(Numbers(f"{address}/", 30), loading.Plan(clients=1, seconds=60, warm_up_s=0))
    ends = [one.sent + one.seconds for one in done.timed]
    assert all(later.sent >= end - 0.01 for later, end in zip(done.timed[1:], ends, strict=False))


def test_at_a_rate_requests_do_not_wait_for_answers(loading, server):
    _, address = server
    done = loading.load(Numbers(f"{address}/", 1000), loading.Plan(rate=200, seconds=0.5, warm_up_s=0))
    assert len(done.timed) == 100


def test_a_server_that_is_gone_is_a_lost_request(loading):
    done = loading.load(Numbers("http://127.0.0.1:9/", 3), loading.Plan(clients=1, seconds=60, warm_up_s=0))
    assert done.summary()["statuses"] == {"0": 3}
