"""Noticing that the endpoint has ended."""

import itertools
from collections.abc import Iterable
from types import SimpleNamespace

import pytest
from ray.exceptions import RayActorError

from selfj.serve import watch
from selfj.serve.watch import EndpointLost, wait_while_served


def says(monkeypatch: pytest.MonkeyPatch, answers: Iterable[object]) -> None:
    """Ray Serve's status, one answer after the other; an exception is raised."""
    given = iter(answers)

    def status() -> object:
        answer = next(given)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("ray.serve.status", status)


def application(state: str) -> SimpleNamespace:
    found = SimpleNamespace(status=SimpleNamespace(value=state))
    return SimpleNamespace(applications={"selfj": found}, proxies={"node": "HEALTHY"})


RUNNING, DELETING = application("RUNNING"), application("DELETING")
DELETED = SimpleNamespace(applications={}, proxies={"node": "HEALTHY"})
NO_CONTROLLER = SimpleNamespace(applications={}, proxies={})


@pytest.mark.parametrize("last", [DELETING, DELETED])
def test_an_application_that_is_deleted_by_somebody_else_ends_the_waiting(monkeypatch, last) -> None:
    says(monkeypatch, [RUNNING, application("UNHEALTHY"), RUNNING, *itertools.repeat(last, 9)])
    with pytest.raises(EndpointLost, match="ended from elsewhere"):
        wait_while_served("selfj", every_s=0.001)


@pytest.mark.parametrize("silence", [NO_CONTROLLER, RayActorError()])
def test_a_controller_that_is_away_for_a_moment_does_not_but_one_that_stays_away_does(monkeypatch, silence) -> None:
    says(monkeypatch, itertools.chain([RUNNING, *[silence] * 9, RUNNING], itertools.repeat(silence)))
    with pytest.raises(EndpointLost, match="said nothing for 1 s"):
        wait_while_served("selfj", every_s=0.001, patience_s=1)


def test_the_waiting_reads_what_ray_serve_has_come_to_say_in_the_meantime(monkeypatch) -> None:
    says(monkeypatch, [NO_CONTROLLER, *[RUNNING] * 50, *[DELETED] * 9])
    with pytest.raises(EndpointLost, match="ended from elsewhere"):
        wait_while_served("selfj", every_s=0.001, patience_s=30)


def test_it_is_an_error_of_ours_so_that_the_command_ends_with_one_line() -> None:
    assert issubclass(EndpointLost, watch.SelfJError)
