"""Clients of fake endpoints."""

from starlette.testclient import TestClient

from selfj.serve.app import create_app
from tests.serve.fakes import fake_endpoint

KEYS = ("first-key-0123456789", "second-key-987654321")
CHAT = "/v1/chat/completions"
JUDGE = "/v1/judge"


def chat(**fields):
    """Body of a chat request."""
    return {"model": "pocket@always", "messages": [{"role": "user", "content": "Hello"}]} | fields


def client(policy=None, judge=None, change=lambda _: None, **headers):
    """A client of an endpoint without keys that sees 500 as a response."""
    app = create_app(fake_endpoint(policy, judge, change))
    return TestClient(app, base_url="http://localhost", headers=headers, raise_server_exceptions=False)


def keyed_client(monkeypatch, change=lambda _: None, **headers):
    """A client of an endpoint that asks for one of KEYS."""

    def close(settings):
        settings.access.open = False
        change(settings)

    monkeypatch.setenv("SELFJ_API_KEYS", ",".join(KEYS))
    return client(change=close, **headers)
