"""`/health`."""

import asyncio

import pytest
from starlette.testclient import TestClient

from selfj.serve.routes import health
from selfj.serve.services import Overloaded, TimedOut, Unavailable
from tests.serve.fakes import FakeJudge, FakePairJudge, FakePolicy, fake_app
from tests.serve.guard.asking import client


class Failing:
    def __init__(self, problem):
        self.failure = problem

    async def ready(self):
        raise self.failure


class FailingJudge(Failing, FakeJudge):
    """Raises instead of saying whether it is ready."""


class Hanging(FakePolicy):
    async def ready(self):
        await asyncio.sleep(60)
        return True


def test_an_endpoint_whose_models_are_ready_is_ready():
    response = client().get("/health")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "policy": True, "judge": True}


@pytest.mark.parametrize("lost", [False, True])
def test_a_model_that_compares_has_to_be_there_too(lost):
    comparing = FakePairJudge(problem=Unavailable("gone") if lost else None)
    response = TestClient(fake_app(comparing=comparing), base_url="http://localhost").get("/health")
    assert response.status_code == (503 if lost else 200)
    assert response.json() == {"ready": not lost, "policy": True, "judge": True, "comparing": not lost}


def test_one_that_waits_for_a_model_is_503_and_says_for_which():
    response = client(FakePolicy(problem=Unavailable("starting"))).get("/health")
    assert response.status_code == 503
    assert response.json() == {"ready": False, "policy": False, "judge": True}
    assert response.headers["Retry-After"] == "2"


@pytest.mark.parametrize(("problem", "status"), [(Unavailable("gone"), 503), (TimedOut("slow"), 503), (Overloaded("busy"), 200)])
def test_a_lost_model_is_not_ready_and_a_busy_one_is(problem, status):
    judge = FailingJudge.__new__(FailingJudge)
    judge.failure = problem
    assert client(judge=judge).get("/health").status_code == status


def test_a_model_that_does_not_say_is_not_ready(monkeypatch):
    monkeypatch.setattr(health, "PATIENCE_S", 0.01)
    assert client(Hanging()).get("/health").json()["policy"] is False


def test_an_endpoint_that_is_not_ready_lives():
    assert client(FakePolicy(problem=Unavailable("starting"))).get("/health/live").json() == {"live": True}
