"""Replicas that are killed, and a server that is stopped, while requests are under way."""

import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import openai
import psutil
import pytest

from tests.serve.conftest import Served, serving, small_engines
from tests.serve.folders import make_run

pytestmark = pytest.mark.faults

JUDGED = {"instruction": "What is 3 + 4?", "response": "The result is 7."}
ASKED = {"model": "pocket@always", "messages": [{"role": "user", "content": "What is 3 + 4?"}], "seed": 1, "max_tokens": 24}
TWO = ["--policy_replicas.min_replicas", "2", "--policy_replicas.max_replicas", "2"]
TWO_INGRESSES = ["--ingress_replicas.min_replicas", "2", "--ingress_replicas.max_replicas", "2"]
CLOSED = {"RemoteProtocolError", "ReadError"}
"""What httpx makes of a connection that is closed without a response."""
RECOVERY_LIMIT_S = 180


class Load:
    """Clients that ask again and again, half of them for a score, half for an answer, until they are stopped."""

    def __init__(self, url: str, clients: int = 6) -> None:
        self.url = url
        self.statuses: Counter[int | str] = Counter()
        self.values: dict[str, set[object]] = {"/v1/judge": set(), "/v1/chat/completions": set()}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, answers: int) -> None:
        """Until so many more requests have been answered."""
        wanted, deadline = self.statuses[200] + answers, time.monotonic() + RECOVERY_LIMIT_S
        while self.statuses[200] < wanted:
            assert time.monotonic() < deadline, self.statuses
            time.sleep(0.05)

    def _ask(self, number: int) -> None:
        path, body = self._request(number)
        with httpx.Client(base_url=self.url, timeout=120) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(path, json=body)
                except httpx.TransportError as problem:
                    self.statuses[type(problem).__name__] += 1
                    time.sleep(0.05)
                    continue
                self.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    self.values[path].add(_said(answer.json()))

    def _request(self, number: int) -> tuple[str, dict]:
        return ("/v1/judge", JUDGED) if number % 2 else ("/v1/chat/completions", ASKED)


class OfficialLoad(Load):
    """The same by OpenAI's client, which asks again by itself, twice at the most."""

    def _ask(self, number: int) -> None:
        path, body = self._request(number)
        with openai.OpenAI(base_url=self.url, api_key="none", timeout=120) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(path, body=body, cast_to=object)
                except openai.APIError as problem:
                    self.statuses[type(problem).__name__] += 1
                    continue
                self.statuses[200] += 1
                self.values[path].add(_said(answer))


def _said(answer: dict) -> object:
    if "results" in answer:
        return round(answer["results"][0]["score"], 1)
    return answer["choices"][0]["message"]["content"]


def replicas(served: Served, deployment: str) -> list[psutil.Process]:
    """Processes of a deployment's replicas."""
    family = psutil.Process(served.process.pid).children(recursive=True)
    return [process for process in family if f"ServeReplica:selfj:{deployment}" in " ".join(process.cmdline())]


def test_with_two_replicas_none_of_the_requests_notices_that_one_is_killed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", adapter=True)
    with serving(tmp_path, *small_engines(), *TWO, run=run) as served, Load(served.url) as load:
        load.wait_for(30)
        os.kill(replicas(served, "Engine")[0].pid, signal.SIGKILL)
        load.wait_for(100)
    assert set(load.statuses) == {200}
    assert [len(values) for values in load.values.values()] == [1, 1], load.values


def test_a_judge_that_is_killed_is_replaced_and_until_then_requests_are_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, *small_engines()) as served, Load(served.url) as load:
        load.wait_for(30)
        (judge,) = replicas(served, "Judge")
        left = judge.children(recursive=True)
        judge.kill()
        load.wait_for(20)
        assert not [process for process in left if process.is_running()], "an engine has outlived its replica"
    assert set(load.statuses) <= {200, 503}
    assert [len(values) for values in load.values.values()] == [1, 1], load.values


def test_with_two_ingresses_the_official_client_notices_nothing_of_one_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, *small_engines(), *TWO_INGRESSES) as served, OfficialLoad(served.url) as load:
        load.wait_for(30)
        os.kill(replicas(served, "Ingress")[0].pid, signal.SIGKILL)
        load.wait_for(100)
    assert set(load.statuses) == {200}
    assert [len(values) for values in load.values.values()] == [1, 1], load.values


def test_an_ingress_that_is_killed_is_replaced_and_its_requests_are_lost_or_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, *small_engines()) as served, Load(served.url) as load:
        load.wait_for(30)
        os.kill(replicas(served, "Ingress")[0].pid, signal.SIGKILL)
        load.wait_for(100)
    assert set(load.statuses) <= {200, 503, *CLOSED}
    assert [len(values) for values in load.values.values()] == [1, 1], load.values


def test_a_server_that_is_stopped_finishes_what_has_begun_and_leaves_nothing(tmp_path: Path) -> None:
    long = {**ASKED, "messages": [{"role": "user", "content": "Tell me all."}], "max_tokens": 400, "temperature": 2, "n": 4}
    answers: list[httpx.Response] = []
    with serving(tmp_path, *small_engines()) as served, Load(served.url, clients=2) as load:
        load.wait_for(5)
        family = psutil.Process(served.process.pid).children(recursive=True)
        client = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{served.url}/v1/chat/completions", json=long, timeout=120))
        )
        client.start()
        time.sleep(0.5)
        served.process.send_signal(signal.SIGTERM)
        client.join()
        assert served.process.wait(timeout=120) == 0
    assert answers[0].status_code == 200
    assert set(load.statuses) <= {200, 503, "ConnectError", *CLOSED}, "what trainers do not ask again for"
    assert not psutil.wait_procs(family, timeout=10)[1]
