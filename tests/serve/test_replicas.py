"""What is known of a deployment's replicas, with a stand-in for Ray Serve's controller."""

import asyncio
from types import SimpleNamespace

import pytest
from ray.exceptions import ActorDiedError
from ray.serve.exceptions import RayServeException

from selfj.serve.replicas import Replicas


def told(monkeypatch: pytest.MonkeyPatch, *answers: object) -> list[object]:
    """Let the controller give these answers, one after the other; what it was asked is in the list."""
    asked: list[object] = []

    def status() -> object:
        answer = answers[len(asked)]
        asked.append(answer)
        if isinstance(answer, Exception):
            raise answer
        deployments = {} if answer is None else {"Judge": SimpleNamespace(replica_states=answer)}
        return SimpleNamespace(applications={"selfj": SimpleNamespace(deployments=deployments)})

    monkeypatch.setattr("ray.serve.status", status)
    return asked


async def known(replicas: Replicas) -> tuple[bool, bool]:
    return await replicas.any(), await replicas.running()


@pytest.mark.parametrize(
    ("states", "there", "running"),
    [
        ({"RUNNING": 1, "STARTING": 1}, True, True),
        ({"STOPPING": 1}, True, False),
        ({"STARTING": 2}, False, False),
        ({}, False, False),
        (None, True, False),
        (ActorDiedError(), True, False),
        (RayServeException("no controller"), True, False),
    ],
)
def test_a_replica_that_runs_takes_requests_and_one_that_stops_still_finishes_some(monkeypatch, states, there, running):
    told(monkeypatch, states)
    assert asyncio.run(known(Replicas("selfj", "Judge"))) == (there, running)


def test_the_controller_is_asked_again_only_after_a_while_or_a_loss(monkeypatch):
    asked = told(monkeypatch, {"RUNNING": 1}, {"STARTING": 1})
    replicas = Replicas("selfj", "Judge")
    assert asyncio.run(known(replicas)) == (True, True) and len(asked) == 1
    replicas.lost()
    assert asyncio.run(known(replicas)) == (False, False) and len(asked) == 2
