"""Malformed requests: 4xx with the field named, nothing of the server's insides, no 5xx."""

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from selfj.serve.types.chat import ChatRequest
from selfj.serve.types.judge import JudgeRequest
from selfj.serve.types.rerank import RerankRequest
from selfj.serve.types.rewards import RewardRequest
from tests.serve.fakes import FakePolicy, fake_app
from tests.serve.guard.asking import CHAT, chat, client
from tests.serve.malformed import GOOD, JUDGE, RERANK, REWARD, by_hand, of_wrong_types, problem_of
from tests.serve.schema_attacks import negative_requests


@pytest.fixture(scope="module")
def http():
    return TestClient(fake_app(), base_url="http://localhost", raise_server_exceptions=False, follow_redirects=False)


def asked(http, request):
    return http.request(request.method, request.path, content=request.content, headers=request.headers)


@pytest.mark.parametrize("path", GOOD)
def test_what_they_are_made_of_is_answered(http, path):
    assert http.post(path, json=GOOD[path]).status_code == 200


def test_requests_made_by_hand_are_refused_with_the_field_named(http):
    found = [(request, asked(http, request)) for request in by_hand()]
    problems = [
        (request.path, request.content[:100], problem_of(response.status_code, response.content)) for request, response in found
    ]
    assert len(found) > 150
    assert [problem for problem in problems if problem[2]] == []


def test_wrong_types_and_bodies_cut_off_are_refused_with_the_field_named(http):
    for request in of_wrong_types(1, 500):
        response = asked(http, request)
        assert problem_of(response.status_code, response.content) is None, request


def test_requests_that_break_the_openapi_schema_are_refused_with_the_field_named(http):
    found = negative_requests(http.app.openapi(), 15, lambda request: asked(http, request))
    assert len(found) >= 50
    assert [
        (request, problem) for request, response in found if (problem := problem_of(response.status_code, response.content))
    ] == []


@pytest.mark.parametrize(
    ("model", "path", "field"),
    [
        (ChatRequest, CHAT, "messages"),
        (JudgeRequest, JUDGE, "responses"),
        (JudgeRequest, JUDGE, "items"),
        (RerankRequest, RERANK, "documents"),
        (RewardRequest, REWARD, "query"),
    ],
)
def test_a_list_of_wrong_entries_is_one_error_and_not_one_for_each(model, path, field):
    with pytest.raises(ValidationError) as problem:
        model.model_validate({**GOOD[path], field: [1] * 1000})
    assert problem.value.error_count() == 1


def test_a_list_longer_than_any_limit_is_refused_with_its_name(http):
    response = http.post(RERANK, json={"query": "Why?", "documents": [""] * 10_001})
    assert response.status_code == 422
    assert response.json()["error"]["param"] == "documents"


class Broken(FakePolicy):
    async def sample(self, call):
        raise RuntimeError("CUDA died at /srv/secret/engine.py")

    async def stream(self, call):
        raise RuntimeError("CUDA died at /srv/secret/engine.py")
        yield


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_of_the_server_shows_nothing_but_the_requests_id(stream):
    response = client(Broken(), **{"X-Request-Id": "mine-1"}).post(CHAT, json=chat(stream=stream))
    assert response.status_code == 500
    assert "mine-1" in response.json()["error"]["message"]
    assert not any(word in response.text for word in ("CUDA", "secret", "Traceback", ".py", "RuntimeError"))
