"""What Ray Serve is told by its environment."""

import resource

import pytest

from selfj.serve import front

HAPROXY_NAMES = ("RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_HAPROXY_MAXCONN", *front.PORTS)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    environment: dict[str, str] = {"RAY_worker_niceness": "7"}
    monkeypatch.setattr(front.os, "environ", environment)
    return environment


def test_what_is_set_already_stays(environment: dict[str, str]) -> None:
    front.set_environment()
    assert environment["RAY_worker_niceness"] == "7" and environment.items() >= (front.FAST | front.CALM).items()


def test_without_haproxy_nothing_is_said_of_it(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    front.set_environment()
    assert not environment.keys() & set(HAPROXY_NAMES)


@pytest.mark.parametrize(
    ("files", "connections"), [(resource.RLIM_INFINITY, 16_384), (100_000, 16_384), (20_000, 7_800), (100, 1)]
)
def test_connections_are_no_more_than_the_files_that_haproxy_may_open(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, files: int, connections: int
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(front.resource, "getrlimit", lambda _: (files, files))
    front.set_environment()
    assert environment["RAY_SERVE_HAPROXY_MAXCONN"] == str(connections)
    assert len({environment[name] for name in front.PORTS}) == len(front.PORTS)
