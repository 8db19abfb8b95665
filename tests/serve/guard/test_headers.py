"""Headers of responses; CORS."""

import pytest

from selfj.serve.guard.headers import LeaveIdToProxy
from tests.serve.fakes import FakePolicy
from tests.serve.guard.asking import CHAT, chat, client, keyed_client


@pytest.mark.parametrize("given", ["abc-123", "0a.b_c:d", "x" * 64])
def test_a_sane_request_id_is_kept(given):
    assert client().post(CHAT, json=chat(), headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "<script>", "a\tb"])
def test_another_is_replaced(given):
    found = client().get("/v1/models", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert found != given and len(found) == 32


def test_the_models_are_asked_under_the_requests_id():
    policy = FakePolicy()
    client(policy).post(CHAT, json=chat(), headers={"X-Request-Id": "mine"})
    assert policy.calls[0].request_id == "mine"


@pytest.mark.parametrize(("given", "said"), [("abc-1", 0), ("two words", 1)])
def test_behind_a_proxy_that_repeats_the_id_it_is_not_said_twice(given, said):
    http = client()
    http.app.add_middleware(LeaveIdToProxy)
    found = http.get("/v1/models", headers={"X-Request-Id": given}).headers.get_list("X-Request-Id")
    assert len(found) == said and given not in found


class Broken(FakePolicy):
    async def sample(self, call):
        raise RuntimeError("CUDA died at /srv/secret/engine.py")


def responses(monkeypatch):
    yield client().post(CHAT, json=chat())
    yield client().post(CHAT, json={})
    yield client().get("/nothing")
    yield client().post(CHAT, content=b"x" * 2_000_000)
    yield keyed_client(monkeypatch).get("/v1/models")
    yield client(Broken()).post(CHAT, json=chat())


def test_every_response_has_a_request_id_and_is_neither_sniffed_framed_nor_kept(monkeypatch):
    statuses = []
    for response in responses(monkeypatch):
        statuses.append(response.status_code)
        assert response.headers.get_list("X-Request-Id", split_commas=True) == [response.headers["X-Request-Id"]]
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert statuses == [200, 422, 404, 413, 401, 500]


def preflight(http, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    return http.options(CHAT, headers=asked)


def test_no_origin_is_allowed_by_default():
    response = preflight(client(), "https://app.example")
    assert response.status_code == 405
    assert not [name for name in response.headers if name.startswith("access-control")]
    assert "access-control-allow-origin" not in client().get("/v1/models", headers={"Origin": "null"}).headers


def test_an_origin_that_is_allowed_may_ask_with_a_key_and_no_other_may(monkeypatch):
    http = keyed_client(monkeypatch, lambda settings: settings.access.cors_origins.append("https://app.example"))
    allowed = preflight(http, "https://app.example")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in allowed.headers
    assert preflight(http, "https://evil.example").status_code == 400
    refused = http.get("/v1/models", headers={"Origin": "https://app.example"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://app.example"
