import asyncio
import contextlib
import http.server
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from selfj.rewards import Answer, AsyncJudgeClient, JudgeClient, RewardError, RewardSettings
from selfj.rewards.gathering import GatheringClient
from tests.serve.fakes import FakeJudge, fake_app
from tests.serve.ports import free_port, listening

ANSWERS = [Answer("a", "good"), Answer("b", "bad"), Answer("a", "long"), Answer([{"role": "user", "content": "a"}], "fair")]


def sync(settings):
    return JudgeClient(settings).judge(ANSWERS)


def asynchronous(settings):
    return asyncio.run(AsyncJudgeClient(settings).judge(ANSWERS))


def gathered(settings):
    async def ask():
        client = GatheringClient(settings)
        return await asyncio.gather(*(client.judge(answer) for answer in ANSWERS))

    return asyncio.run(ask())


@pytest.mark.parametrize("ask", [sync, asynchronous, gathered])
def test_judgements_come_in_the_order_of_the_answers(served, ask):
    judged = ask(RewardSettings(served.url, answers_per_request=2))
    assert [answer.score for answer in judged] == [9, 1, None, 6]
    assert [answer.answered for answer in judged] == [True, False, False, True]
    assert judged[2].reason == "instruction alone takes 900 of 512 tokens" and len(judged[0].probabilities) == 10


@pytest.mark.parametrize("ask", [sync, asynchronous, gathered])
def test_answers_of_one_instruction_are_judged_side_by_side(served, ask):
    ask(RewardSettings(served.url))
    assert [question.instruction for question in served.judge.asked] == ["a", "a", "a", "b"]


def test_what_is_asked_at_the_same_time_goes_to_the_endpoint_together():
    requests = []
    app = fake_app(judge=FakeJudge())

    @app.middleware("http")
    async def count(request, call_next):
        requests.append(request.url.path)
        return await call_next(request)

    with listening(app) as url:
        gathered(RewardSettings(url))
    assert requests == ["/v1/judge"]


def test_rewards_are_on_the_scale_of_the_settings_and_missing_stands_for_no_score(served):
    client = JudgeClient(RewardSettings(served.url, scale="margin", missing=-9.0))
    assert client.rewards(client.judge(ANSWERS)) == [4.0, -4.0, -9.0, 1.0]
    assert JudgeClient(RewardSettings(served.url)).rewards(client.judge(ANSWERS[:3])) == [1.0, pytest.approx(1 / 9), None]


def busy(times, status=503, headers=None):
    """An endpoint that answers when it has been asked `times` times."""
    app, seen = FastAPI(), []

    @app.post("/v1/judge")
    async def judge(request: Request):
        seen.append(request.headers.get("Authorization"))
        if len(seen) <= times:
            return JSONResponse({"error": {"message": "too many requests wait", "param": None}}, status, headers)
        result = {"score": 4.5, "threshold": None, "answered": True, "reason": None, "probabilities": [0.1] * 10}
        return {"results": [result] * len((await request.json())["items"])}

    return app, seen


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("client", [JudgeClient, AsyncJudgeClient])
def test_a_busy_endpoint_is_asked_again_after_the_time_it_names(client, status):
    app, seen = busy(2, status, {"Retry-After": "0.01"})
    with listening(app) as url:
        asked = client(RewardSettings(url)).judge(ANSWERS[:1])
        (judged,) = asyncio.run(asked) if client is AsyncJudgeClient else asked
    assert judged.score == 4.5 and len(seen) == 3


@contextlib.contextmanager
def closing(which: set[int], sent: bytes = b"") -> Iterator[tuple[str, list[int]]]:
    """An endpoint that keeps connections alive, but closes the one of its `which` requests (from 0), having `sent` no more.

    The list has the client's port of each request.
    """
    seen: list[int] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.append(self.client_address[1])
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if len(seen) - 1 in which:
                self.wfile.write(sent)
                self.close_connection = True
                return
            result = {"score": 4.5, "threshold": None, "answered": True, "reason": None, "probabilities": [0.1] * 10}
            body = json.dumps({"results": [result] * len(asked["items"])}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def twice(client):
    return [await client.judge(ANSWERS[:1]), await client.judge(ANSWERS[:1])]


HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize("sent", [b"", HALF], ids=["no response", "half a response"])
@pytest.mark.parametrize("client", [JudgeClient, AsyncJudgeClient])
def test_a_connection_that_is_closed_on_a_request_costs_another_try(client, sent):
    """As a killed ingress closes those that it kept alive: here the second request of the first one."""
    with closing({1}, sent) as (url, seen):
        asking = client(RewardSettings(url))
        judged = asyncio.run(twice(asking)) if client is AsyncJudgeClient else [asking.judge(ANSWERS[:1]) for _ in range(2)]
    assert [answer.score for reply in judged for answer in reply] == [4.5, 4.5]
    assert len(seen) == 3 and seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("ask", [sync, asynchronous])
def test_an_endpoint_that_closes_every_connection_is_an_error_that_says_so(ask):
    with closing(set(range(9))) as (url, seen), pytest.raises(RewardError, match=r"Connection error \(Server disconnected"):
        ask(RewardSettings(url, tries=2))
    assert len(seen) == 2


@pytest.mark.parametrize("ask", [sync, asynchronous, gathered])
def test_an_endpoint_that_stays_busy_is_an_error_not_a_reward(ask):
    app, _ = busy(100, 503, {"Retry-After": "0.01"})
    with listening(app) as url, pytest.raises(RewardError, match="status 503, too many requests wait"):
        ask(RewardSettings(url, tries=2))


def test_an_endpoint_that_is_not_there_is_an_error_that_names_it():
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RewardError, match=f"{url}: Connection error"):
        JudgeClient(RewardSettings(url, tries=1)).judge(ANSWERS)


def test_a_refused_request_is_not_repeated_and_says_what_is_wrong(served):
    with pytest.raises(RewardError, match="status 404, model 'other' is not served here"):
        JudgeClient(RewardSettings(served.url, model="other")).judge(ANSWERS)


def test_the_key_is_sent_as_a_bearer_token_and_is_in_no_error(monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", "secret-7")
    app, seen = busy(0)
    with listening(app) as url:
        JudgeClient(RewardSettings(url, key_variable="JUDGE_KEY")).judge(ANSWERS[:1])
    assert seen == ["Bearer secret-7"]
    app, seen = FastAPI(), []

    @app.post("/v1/judge")
    async def refuse():
        return JSONResponse({"error": {"message": "the key secret-7 is unknown"}}, 401)

    with listening(app) as url, pytest.raises(RewardError, match=r"the key \*\*\* is unknown; set JUDGE_KEY to an API key"):
        JudgeClient(RewardSettings(url, key_variable="JUDGE_KEY")).judge(ANSWERS)


def test_another_servers_reply_is_an_error():
    app = FastAPI()
    app.post("/v1/judge")(lambda: {"results": "none"})
    with listening(app) as url, pytest.raises(RewardError, match="the reply is no judgement; check base_url"):
        JudgeClient(RewardSettings(url)).judge(ANSWERS)


def test_no_answers_need_no_endpoint():
    assert JudgeClient(RewardSettings("http://127.0.0.1:9")).judge([]) == []


def test_a_client_survives_pickling(served):
    client = JudgeClient(RewardSettings(served.url))
    client.judge(ANSWERS[:1])
    assert pickle.loads(pickle.dumps(client)).judge(ANSWERS[:1])[0].score == 9


def test_the_client_imports_nothing_heavy():
    heavy = {"torch", "ray", "fastapi", "vllm", "openai", "numpy"}
    adapters = "selfj.rewards.trl, selfj.rewards.verl, selfj.rewards.openrlhf"
    program = f"import sys, {adapters}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
