import json
from collections import Counter

import pytest
from starlette.testclient import TestClient

from selfj.serve.app import create_app
from selfj.serve.services import Overloaded
from tests.serve.fakes import FakeJudge, fake_app, fake_endpoint

JSON = {"Content-Type": "application/json"}
SCORES = {"good": 9.0, "bad": 1.0, "long": None}


def asked(body, judge=None, change=lambda _: None):
    response = TestClient(fake_app(judge=judge or FakeJudge(SCORES), change=change)).post(
        "/v1/judge", content=json.dumps(body), headers=JSON
    )
    return response.status_code, response.json()


def results(body, **named):
    status, reply = asked(body, **named)
    assert status == 200, reply
    return reply["results"]


def test_one_answer_gets_a_score_ten_probabilities_and_a_decision():
    (result,) = results({"instruction": "Why?", "response": "good"})
    assert result["score"] == 9 and len(result["probabilities"]) == 10 and result["answered"] is True
    assert result["threshold"] == 5 and result["reason"] is None


def test_an_answer_below_the_threshold_is_not_given():
    (result,) = results({"instruction": "Why?", "response": "bad"})
    assert (result["score"], result["answered"]) == (1, False)


def test_an_answer_that_cannot_be_judged_is_null_with_the_reason():
    (result,) = results({"instruction": "Why?", "response": "long"})
    assert result["score"] is None and result["probabilities"] is None and result["answered"] is False
    assert result["reason"] == "instruction alone takes 900 of 512 tokens"


def test_results_come_in_the_order_of_the_answers_whatever_order_they_were_judged_in():
    items = [
        {"instruction": "a", "response": "good"},
        {"instruction": "b", "responses": ["bad", "other"]},
        {"instruction": "a", "response": "long"},
        {"instruction": "a", "response": "bad"},
    ]
    judge = FakeJudge(SCORES)
    found = results({"items": items}, judge=judge)
    assert [result["score"] for result in found] == [9, 1, 6, None, 1]
    assert [result["index"] for result in found] == [0, 1, 2, 3, 4]
    assert [question.instruction for question in judge.asked] == ["a", "a", "a", "b", "b"]


def test_the_model_names_the_promise():
    status, reply = asked({"model": "pocket@coverage=0.8", "instruction": "Why?", "response": "good"})
    assert status == 200 and reply["model"] == "pocket@coverage=0.8" and reply["results"][0]["threshold"] == 2
    (always,) = results({"model": "pocket@always", "instruction": "Why?", "response": "bad"})
    assert always["threshold"] is None and always["answered"] is True


def test_with_a_reference_in_view_there_is_a_score_and_no_decision():
    judge = FakeJudge(SCORES)
    (result,) = results({"instruction": "Why?", "response": "good", "reference": "Because."}, judge=judge)
    assert result["score"] == 9 and result["threshold"] is None and result["answered"] is None
    assert judge.asked[0].reference == "Because."


def test_a_conversation_is_judged_as_chat_judges_it():
    judge = FakeJudge(SCORES)
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Why?"}]
    results({"items": [{"messages": turns, "response": "good"}, {"messages": turns[2:], "response": "good"}]}, judge=judge)
    assert [question.instruction for question in judge.asked] == ["User: Hi\n\nAssistant: Hello\n\nUser: Why?", "Why?"]


def test_usage_counts_the_judges_tokens_and_equal_answers_once():
    status, reply = asked({"instruction": "Why?", "responses": ["good", "good", "bad"]})
    assert status == 200 and reply["usage"]["prompt_tokens"] == reply["usage"]["total_tokens"] == 20
    assert reply["usage"]["completion_tokens"] == 0 and reply["usage"]["cached_tokens"] == 8


class Counting:
    """Counts what routes report."""

    def __init__(self):
        self.decisions, self.counted = [], Counter()

    def request(self, route, status, seconds):
        self.counted["requests"] += 1

    def decision(self, promise, answered, score):
        self.decisions.append((promise, answered, score))

    def tokens(self, role, prompt, generated, cached):
        self.counted[role] += prompt


def test_decisions_and_tokens_are_counted_but_not_scores_with_a_reference_as_decisions():
    endpoint = fake_endpoint(judge=FakeJudge(SCORES))
    object.__setattr__(endpoint, "metrics", Counting())
    items = [{"instruction": "a", "responses": ["good", "long"]}, {"instruction": "a", "response": "bad", "reference": "r"}]
    assert TestClient(create_app(endpoint)).post("/v1/judge", json={"items": items}).status_code == 200
    assert endpoint.metrics.decisions == [("quality=0.7", True, 9.0), ("quality=0.7", False, None)]
    assert endpoint.metrics.counted["judge"] == 30


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "instruction"),
        ({"instruction": "a"}, "response"),
        ({"instruction": " ", "response": "b"}, "instruction"),
        ({"response": "b"}, "instruction"),
        ({"instruction": "a", "messages": [{"role": "user", "content": "a"}], "response": "b"}, "instruction"),
        ({"instruction": "a", "response": "b", "responses": ["b"]}, "response"),
        ({"instruction": "a", "response": 7}, "response"),
        ({"instruction": "a", "response": "b", "refrence": "c"}, "refrence"),
        ({"instruction": "a", "response": "half of \ud83d"}, "response"),
        ({"items": [{"instruction": "a", "response": "b"}, {"instruction": "a"}]}, "items.1.response"),
        ({"items": [{"instruction": "a", "responses": ["b", 3]}]}, "items.0.responses.1"),
        ({"items": [], "response": "b"}, "items"),
        ({"messages": [{"role": "assistant", "content": "a"}], "response": "b"}, "messages"),
        ({"messages": [{"role": "user", "content": " "}], "response": "b"}, "messages"),
        ({"messages": [], "response": "b"}, "messages"),
        ({"messages": [{"role": "tool", "content": "a"}], "response": "b"}, "messages.0.role"),
        ({"instruction": "a" * 50, "response": "b"}, "instruction"),
        ({"instruction": "a", "response": "b" * 50}, "response"),
        ({"instruction": "a", "response": "b", "reference": "c" * 50}, "reference"),
        ({"items": [{"instruction": "a", "responses": ["b", "b" * 50]}]}, "items.0.responses.1"),
        ({"items": [{"instruction": "a", "response": "b"}] * 5}, "items"),
        ({"instruction": "a", "responses": ["b"] * 5}, "responses"),
    ],
)
def test_a_bad_request_is_refused_with_the_field_named(body, field):
    def limit(settings):
        settings.limits.items, settings.limits.text_characters = 4, 40

    status, reply = asked(body, change=limit)
    assert status == 422 and reply["error"]["param"] == field and field in reply["error"]["message"]


def test_an_unknown_model_is_404_with_what_there_is():
    status, reply = asked({"model": "pocket@quality=9", "instruction": "a", "response": "b"})
    assert status == 404 and reply["error"]["param"] == "model" and "coverage=0.8" in reply["error"]["message"]


def test_an_overloaded_judge_is_503_with_a_time_to_wait():
    app = fake_app(judge=FakeJudge(problem=Overloaded("the judge: too many requests wait already")))
    response = TestClient(app).post("/v1/judge", json={"instruction": "a", "response": "b"})
    assert response.status_code == 503 and response.headers["Retry-After"] == "1"


def test_no_answers_are_no_results():
    assert results({"items": []}) == [] and results({"instruction": "a", "responses": []}) == []
