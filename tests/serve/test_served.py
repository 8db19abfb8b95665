"""The real endpoint: HAProxy, Ray Serve, vLLM."""

import concurrent.futures

import httpx
import pytest

from tests.serve.conftest import Served

QUESTION = {"instruction": "What is 3 + 4?", "response": "The result is 7."}


def test_the_same_seed_gives_the_same_answer_and_the_same_score(served: Served) -> None:
    asked = {"model": "pocket@always", "messages": [{"role": "user", "content": "What is 3 + 4?"}], "seed": 5}
    first, second = (httpx.post(f"{served.url}/v1/chat/completions", json=asked, timeout=60).json() for _ in range(2))
    assert first["choices"][0]["message"]["content"]
    assert first["choices"] == second["choices"]


def test_scores_do_not_depend_on_what_is_judged_beside_them(served: Served) -> None:
    alone = httpx.post(f"{served.url}/v1/judge", json=QUESTION, timeout=60).json()["results"][0]["score"]
    bodies = [{**QUESTION, "response": f"The result is {number}."} for number in range(40)]
    with concurrent.futures.ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(lambda body: httpx.post(f"{served.url}/v1/judge", json=body, timeout=60), bodies))
    assert [answer.status_code for answer in answers] == [200] * 40
    scores = [answer.json()["results"][0]["score"] for answer in answers]
    assert scores[7] == pytest.approx(alone, abs=0.05)  # bfloat16: the batch decides how sums are rounded
    assert len({round(score, 2) for score in scores}) > 5


def test_answers_to_one_instruction_share_its_computation(served: Served) -> None:
    body = {"instruction": "Say which of these words is a colour: " + "tree, house, river, " * 15, "response": "None of them."}
    httpx.post(f"{served.url}/v1/judge", json=body, timeout=60)
    usage = httpx.post(f"{served.url}/v1/judge", json={**body, "response": "All."}, timeout=60).json()["usage"]
    assert 0 < usage["cached_tokens"] < usage["prompt_tokens"]


def test_a_prompt_that_fills_the_context_is_refused_with_its_length(served: Served) -> None:
    asked = {"model": "pocket", "messages": [{"role": "user", "content": "one two three " * 400}]}
    answer = httpx.post(f"{served.url}/v1/chat/completions", json=asked, timeout=60)
    assert answer.status_code == 422
    assert "512" in answer.json()["error"]["message"] and answer.json()["error"]["param"] == "messages"


def test_a_client_that_goes_away_leaves_the_engine_free(served: Served) -> None:
    asked = {"model": "pocket@always", "messages": [{"role": "user", "content": "Count."}], "n": 8, "max_tokens": 480}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{served.url}/v1/chat/completions", json={**asked, "temperature": 2}, timeout=0.05)
    assert httpx.post(f"{served.url}/v1/judge", json=QUESTION, timeout=60).status_code == 200


def test_requests_are_logged_as_lines_without_texts(served: Served) -> None:
    httpx.post(f"{served.url}/v1/judge", json={**QUESTION, "instruction": "A secret?"}, timeout=60)
    log = served.log.read_text()
    assert "ready: " in log and "A secret" not in log
