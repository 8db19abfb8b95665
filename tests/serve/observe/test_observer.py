"""Every request is counted and leaves one line, without anything that users wrote."""

import asyncio
import json
import logging
import traceback
from dataclasses import replace

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.responses import PlainTextResponse

from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.observe.log import LOGGER
from selfj.serve.observe.observer import add_observer
from tests.serve.fakes import FakeJudge, fake_app, fake_endpoint

SECRET = "the patient's name is Ada"


class Counted:
    """Metrics that remember their calls."""

    def __init__(self) -> None:
        self.requests, self.decisions, self.read = [], [], []

    def request(self, route, status, seconds):
        self.requests.append((route, status))

    def decision(self, promise, answered, score):
        self.decisions.append((promise, answered, score))

    def tokens(self, role, prompt, generated, cached):
        self.read.append((role, prompt, generated, cached))


class Lines(logging.Handler):
    """Log lines, read back."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(json.loads(record.getMessage()))


@pytest.fixture
def lines():
    handler = Lines()
    LOGGER.addHandler(handler)
    yield handler.lines
    LOGGER.removeHandler(handler)


@pytest.fixture
def counted():
    return Counted()


def observed(counted: Counted, change=lambda _: None) -> FastAPI:
    """An application with routes that count, fail, stream and wait."""
    app = FastAPI()
    endpoint = replace(fake_endpoint(change=change), metrics=counted)

    @app.post("/count/{number}")
    async def count(number: int, request: Request, served: Endpoint = Depends(endpoint_of)):
        request.state.request_id = "r-1"
        await asyncio.gather(*(as_a_task(served, score) for score in (2.0, 7.25, None)))
        served.metrics.tokens("judge", 30, 0, 12)
        return {"body": (await request.body()).decode()}

    async def as_a_task(served, score):
        served.metrics.decision("quality=0.7", score is not None and score > 5, score)

    @app.get("/fail")
    async def fail():
        raise ValueError(SECRET)

    @app.get("/stream")
    async def stream(served: Endpoint = Depends(endpoint_of)):
        async def pieces():
            yield "one "
            served.metrics.decision("always", True, 3.0)
            yield SECRET

        return StreamingResponse(pieces())

    @app.get("/wait")
    async def wait():
        await asyncio.sleep(60)

    add_observer(app, endpoint)
    return app


def ask(app: FastAPI, method: str, path: str, **named) -> httpx.Response:
    async def asked():
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **named)

    return asyncio.run(asked())


def test_a_request_is_counted_by_its_route_not_its_path(counted, lines):
    app = observed(counted)
    ask(app, "POST", "/count/7")
    ask(app, "GET", "/nothing/here")
    assert counted.requests == [("/count/{number}", 200), ("other", 404)]


def test_the_line_says_what_the_routes_counted(counted, lines):
    ask(observed(counted), "POST", "/count/7", content=SECRET)
    (line,) = lines
    expected = {"request_id": "r-1", "method": "POST", "route": "/count/{number}", "status": 200, "promise": "quality=0.7"}
    assert expected.items() <= line.items()
    assert (line["answered"], line["declined"], line["unjudged"]) == (1, 1, 1)
    assert (line["lowest_score"], line["highest_score"]) == (2.0, 7.25)
    assert line["tokens"] == {"judge": {"prompt": 30, "generated": 0, "cached": 12}}
    assert len(counted.decisions) == 3, "what is in the line was also counted"


def test_no_text_of_users_is_logged_by_default(counted, lines):
    app = observed(counted)
    ask(app, "POST", f"/count/7?note={SECRET}", content=SECRET)
    ask(app, "GET", "/fail")
    ask(app, "GET", "/stream")
    assert len(lines) == 3
    assert "Ada" not in json.dumps(lines)


def test_texts_are_logged_when_asked_for(counted, lines):
    app = observed(counted, lambda settings: setattr(settings.log, "texts", True))
    ask(app, "POST", "/count/7", content=SECRET)
    ask(app, "GET", "/stream")
    ask(app, "GET", "/fail")
    assert lines[0]["request_body"] == SECRET and SECRET in lines[0]["response_body"]
    assert lines[1]["response_body"] == f"one {SECRET}"
    assert lines[2]["error"]["message"] == SECRET


def test_an_unexpected_error_leaves_its_kind_and_place(counted, lines):
    ask(observed(counted), "GET", "/fail")
    assert counted.requests == [("/fail", 500)]
    assert lines[0]["level"] == "ERROR"
    assert lines[0]["error"]["type"] == "ValueError"
    assert lines[0]["error"]["at"][-1].endswith(" fail")


@pytest.mark.parametrize("texts", [False, True])
def test_the_servers_around_the_application_get_to_log_an_errors_message_with_texts_only(counted, texts):
    app = observed(counted, lambda settings: setattr(settings.log, "texts", texts))

    async def serve():
        with pytest.raises(Exception) as problem:
            await app({"type": "http", "method": "GET", "path": "/fail", "query_string": b"", "headers": []}, None, swallow)
        return "".join(traceback.format_exception(problem.value))

    async def swallow(_):
        pass

    assert (SECRET in asyncio.run(serve())) is texts


def test_an_unexpected_error_is_logged_where_requests_are_not(counted, lines):
    ask(observed(counted, lambda settings: setattr(settings.log, "requests", False)), "GET", "/fail")
    assert [line["error"]["type"] for line in lines] == ["ValueError"]


def test_what_is_counted_while_a_response_streams_belongs_to_its_line(counted, lines):
    ask(observed(counted), "GET", "/stream")
    assert (lines[0]["promise"], lines[0]["answered"], lines[0]["lowest_score"]) == ("always", 1, 3.0)


def test_requests_at_the_same_time_have_records_of_their_own(counted, lines):
    app = observed(counted)

    async def together():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await asyncio.gather(*(client.post("/count/1") for _ in range(5)))

    asyncio.run(together())
    assert [line["answered"] for line in lines] == [1] * 5


def test_a_client_that_goes_away_is_counted_as_closed(counted, lines):
    app = observed(counted)

    async def gone():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            task = asyncio.create_task(client.get("/wait"))
            while not task.done() and not counted.requests:
                await asyncio.sleep(0.01)
                task.cancel()

    asyncio.run(gone())
    assert counted.requests == [("/wait", 499)]


def test_requests_can_be_counted_without_being_logged(counted, lines):
    ask(observed(counted, lambda settings: setattr(settings.log, "requests", False)), "POST", "/count/7")
    assert lines == [] and counted.requests == [("/count/{number}", 200)]


def test_a_layer_that_answers_itself_is_observed(counted, lines):
    app = FastAPI()

    @app.middleware("http")
    async def refuse(request, _):
        request.state.request_id = "from inside"
        return PlainTextResponse("no", status_code=401)

    add_observer(app, replace(fake_endpoint(), metrics=counted))
    ask(app, "GET", "/v1/models")
    assert counted.requests == [("other", 401)]
    assert lines[0]["request_id"] == "from inside"


def test_the_line_has_the_request_id_that_the_client_gets(lines):
    app = fake_app(judge=FakeJudge(default=6.5))
    judged = ask(app, "POST", "/v1/judge", json={"instruction": "Add.", "response": SECRET})
    refused = ask(app, "POST", "/v1/judge", json={"instruction": SECRET})
    assert (judged.status_code, refused.status_code) == (200, 422)
    assert [line["request_id"] for line in lines] == [reply.headers["X-Request-Id"] for reply in (judged, refused)]
    assert (lines[0]["route"], lines[0]["answered"], lines[0]["highest_score"]) == ("/v1/judge", 1, 6.5)
    assert "Ada" not in json.dumps(lines)


def test_what_an_unknown_key_asked_for_is_neither_named_nor_counted_as_a_route(lines, monkeypatch):
    monkeypatch.setenv("SELFJ_API_KEYS", "right")
    app = fake_app(change=lambda settings: setattr(settings.access, "open", False))
    ask(app, "GET", f"/v1/models/{SECRET}", headers={"Authorization": "Bearer wrong"})
    assert (lines[0]["route"], lines[0]["status"]) == ("other", 401)
    assert "Ada" not in json.dumps(lines) and "wrong" not in json.dumps(lines)
