"""API keys."""

import hmac
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from selfj.errors import SettingsError
from selfj.serve.app import create_app
from selfj.serve.guard import keys
from selfj.serve.guard.keys import Keys, read_keys
from selfj.serve.settings import AccessSettings
from tests.serve.fakes import fake_endpoint
from tests.serve.guard.asking import CHAT, KEYS, chat, client, keyed_client

ELSEWHERE = [
    ("GET", "/openapi.json"),
    ("GET", "/nothing/there"),
    ("GET", "/"),
    ("DELETE", CHAT),
    ("GET", "/health/"),
    ("POST", "/health"),
    ("POST", "/"),
]


def routes():
    """Method and path of every route."""
    paths = client().get("/openapi.json").json()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods]


def test_without_a_key_everything_but_health_is_401(monkeypatch):
    http = keyed_client(monkeypatch)
    statuses = {(method, path): http.request(method, path).status_code for method, path in [*routes(), *ELSEWHERE]}
    assert [asked for asked, status in statuses.items() if status != 401] == [("get", "/health"), ("get", "/health/live")]
    assert ("post", CHAT) in statuses and len(statuses) > 12


def test_health_needs_no_key(monkeypatch):
    assert keyed_client(monkeypatch).get("/health").status_code == 200


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_each_of_several_keys_is_accepted(monkeypatch, key, scheme):
    headers = {"Authorization": f"{scheme} {key}"}
    assert keyed_client(monkeypatch).post(CHAT, json=chat(), headers=headers).status_code == 200


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", f"Bearer {KEYS[0]}x", f"Bearer {KEYS[0][:-1]}", f"Basic {KEYS[0]}", KEYS[0], "Bearer \xff"]
)
def test_what_is_no_key_is_401_with_the_header_named(monkeypatch, value):
    response = keyed_client(monkeypatch).get("/v1/models", headers={"Authorization": value.encode("latin-1")})
    assert response.status_code == 401
    assert response.json()["error"]["param"] == "Authorization"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_two_authorization_headers_are_none(monkeypatch):
    twice = [("Authorization", "Bearer wrong"), ("Authorization", f"Bearer {KEYS[0]}")]
    assert keyed_client(monkeypatch).get("/v1/models", headers=twice).status_code == 401


def test_a_key_is_compared_with_all_keys_in_constant_time(monkeypatch):
    compared, real = [], hmac.compare_digest

    def compare(first, second):
        compared.append((len(first), len(second)))
        return real(first, second)

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    known = Keys.of(["first", "a much longer second key", "third"])
    assert known.accept("first") and not known.accept("x")
    assert compared == [(32, 32)] * 6


def test_keys_come_from_file_and_environment_together(monkeypatch, tmp_path):
    file = tmp_path / "keys"
    file.write_text("# of the team\nfrom-file  # Ada\n\n")
    monkeypatch.setenv("SELFJ_API_KEYS", "from-environment, another")
    found = read_keys(AccessSettings(keys_file=str(file)))
    assert all(map(found.accept, ["from-file", "from-environment", "another"]))
    assert not any(map(found.accept, ["# of the team", "", "Ada", "from-file  # Ada"]))


def test_an_endpoint_without_keys_does_not_start(monkeypatch):
    monkeypatch.setenv("SELFJ_API_KEYS", " , ")
    with pytest.raises(SettingsError, match=r"access: no API key; .*SELFJ_API_KEYS.*access\.open"):
        client(change=lambda settings: setattr(settings.access, "open", False))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"good\nb\xc3\xa4d", "line 2"), (b"\xff", "not UTF-8"), (b"two words", "no blank"), (None, "No such file")],
)
def test_a_key_that_cannot_be_used_is_named_by_its_place_and_not_shown(tmp_path, content, message):
    if content is not None:
        (tmp_path / "keys").write_bytes(content)
    with pytest.raises(SettingsError, match=message) as problem:
        read_keys(AccessSettings(keys_file=str(tmp_path / "keys"), keys_variable=""))
    assert "two words" not in str(problem.value)


def test_neither_settings_nor_the_application_hold_the_keys_themselves(monkeypatch):
    monkeypatch.setenv("SELFJ_API_KEYS", KEYS[0])
    assert KEYS[0] not in repr(read_keys(AccessSettings()))


def test_an_endpoint_takes_the_keys_along_to_where_the_application_is_made(monkeypatch):
    monkeypatch.delenv("SELFJ_API_KEYS", raising=False)
    endpoint = fake_endpoint(change=lambda settings: setattr(settings.access, "open", False))
    http = TestClient(create_app(replace(endpoint, keys=Keys.of(["carried"]))))
    assert [http.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code for key in ("carried", "x")] == [
        200,
        401,
    ]
