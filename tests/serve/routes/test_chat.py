"""`/v1/chat/completions` around a policy and a judge of the same process."""

import json
from dataclasses import dataclass, field, replace

import pytest
from starlette.testclient import TestClient

from selfj.serve.app import create_app
from selfj.serve.observe.metrics import NoMetrics
from selfj.serve.services import Overloaded, PolicyAnswer, Sampled, TimedOut, Unavailable
from tests.serve.fakes import FakeJudge, FakePairJudge, FakePolicy, fake_app, fake_endpoint

URL = "/v1/chat/completions"


def request(**fields):
    return {"model": "pocket", "messages": [{"role": "user", "content": "Hello"}]} | fields


def posted(policy=None, judge=None, change=lambda _: None, **fields):
    return TestClient(fake_app(policy, judge, change)).post(URL, json=request(**fields))


def choice(*arguments, **named):
    response = posted(*arguments, **named)
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]


def chunks(response):
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_a_declined_answer_has_no_content_but_a_refusal_with_score_and_threshold():
    found = choice(FakePolicy(["a guess"]), FakeJudge(default=3.0))
    assert found["message"]["content"] is None
    assert "3.0 of 9" in found["message"]["refusal"]
    assert "from 5.0 on" in found["message"]["refusal"]
    assert found["finish_reason"] == "stop"
    assert found["selfj"]["score"] == 3.0
    assert found["selfj"]["threshold"] == 5.0
    assert found["selfj"]["answered"] is False


def test_the_text_of_a_declined_answer_is_nowhere_in_the_response():
    assert "a guess" not in posted(FakePolicy(["a guess"]), FakeJudge(default=3.0)).text


def test_a_good_answer_is_given_with_its_score_and_the_distribution():
    found = choice(FakePolicy(["42"]), FakeJudge(default=6.5))
    assert found["message"] == {"role": "assistant", "content": "42", "refusal": None}
    assert found["selfj"]["answered"] is True
    assert found["selfj"]["promise"] == "quality=0.7"
    assert sum(p * digit for digit, p in enumerate(found["selfj"]["probabilities"])) == pytest.approx(6.5)


def test_the_promise_in_the_name_decides():
    assert choice(judge=FakeJudge(default=3.0), model="pocket@coverage=0.8")["selfj"]["answered"]
    assert not choice(judge=FakeJudge(default=3.0), model="pocket@quality=0.7")["selfj"]["answered"]
    assert choice(judge=FakeJudge(default=0.0), model="pocket@always")["selfj"]["answered"]


def test_an_answer_without_a_score_is_declined_with_the_reason():
    found = choice(judge=FakeJudge(default=None))
    assert found["message"]["content"] is None
    assert "900 of 512 tokens" in found["message"]["refusal"]
    assert found["selfj"]["score"] is None
    assert "900 of 512 tokens" in found["selfj"]["reason"]


def test_always_answers_without_a_score_too_and_says_why_there_is_none():
    found = choice(FakePolicy(["42"]), FakeJudge(default=None), model="pocket@always")
    assert found["message"]["content"] == "42"
    assert found["selfj"]["score"] is None
    assert found["selfj"]["reason"]


def test_the_judge_gets_the_user_s_turn_and_the_policy_s_answer_without_a_reference():
    judge = FakeJudge()
    posted(FakePolicy(["42"]), judge)
    assert [(asked.instruction, asked.response, asked.reference) for asked in judge.asked] == [("Hello", "42", None)]


def test_each_of_n_answers_is_decided_by_itself():
    judge = FakeJudge({"good": 8.0, "bad": 1.0})
    found = posted(FakePolicy(["good", "bad"]), judge, n=3).json()["choices"]
    assert [one["message"]["content"] for one in found] == ["good", None, "good"]
    assert [one["index"] for one in found] == [0, 1, 2]


class Cut(FakePolicy):
    async def sample(self, call):
        return Sampled([PolicyAnswer("cut off", 64, "length", None)] * len(call.seeds), 7)


def test_an_answer_that_was_cut_says_length_and_a_declined_one_stop():
    assert choice(Cut(), FakeJudge(default=6.0))["finish_reason"] == "length"
    assert choice(Cut(), FakeJudge(default=1.0))["finish_reason"] == "stop"


def test_best_of_gives_the_best_and_shows_all_candidates_ranked_if_asked():
    judge = FakeJudge({"bad": 1.0, "good": 8.0, "fair": 4.0})
    found = choice(FakePolicy(["bad", "fair", "good"]), judge, selfj={"best_of": 3, "candidates": True})
    assert found["message"]["content"] == "good"
    assert [one["content"] for one in found["selfj"]["candidates"]] == ["good", "fair", "bad"]
    assert [one["number"] for one in found["selfj"]["candidates"]] == [2, 1, 0]
    assert found["selfj"]["drawn"] == 3
    assert found["selfj"]["departures"] == ["selfj.best_of"]


def picked(judge, comparing, change=lambda _: None, **selfj):
    policy = FakePolicy(["bad", "fair", "good"])
    client = TestClient(fake_app(policy, judge, change, comparing))
    response = client.post(URL, json=request(selfj={"best_of": 3, **selfj}))
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]


def test_a_tournament_picks_and_the_score_of_its_winner_decides():
    judge, comparing = FakeJudge({"bad": 1.0, "good": 8.0, "fair": 6.0}), FakePairJudge(["fair", "good", "bad"])
    found = picked(judge, comparing, pick="tournament", candidates=True)
    assert found["message"]["content"] == "fair" and found["selfj"]["score"] == 6.0
    assert (found["selfj"]["picked_by"], found["selfj"]["matches"], found["selfj"]["drawn"]) == ("tournament", 2, 3)
    assert [one["content"] for one in found["selfj"]["candidates"]] == ["fair", "good", "bad"]
    assert found["selfj"]["departures"] == ["selfj.best_of", "selfj.pick"]
    judge.scores["fair"] = 2.0
    assert picked(judge, comparing, pick="tournament")["message"]["content"] is None, "what was promised holds for its score"


def test_the_endpoints_setting_picks_where_a_request_does_not_say():
    judge, comparing = FakeJudge({"bad": 1.0, "good": 8.0, "fair": 6.0}), FakePairJudge(["fair", "good", "bad"])
    tournaments = lambda settings: setattr(settings, "pick", "tournament")  # noqa: E731
    assert picked(judge, comparing, tournaments)["message"]["content"] == "fair"
    found = picked(judge, comparing, tournaments, pick="score", adaptive=False)
    assert (found["message"]["content"], found["selfj"]["picked_by"], found["selfj"]["matches"]) == ("good", "score", None)


def test_where_no_match_could_be_judged_the_score_picks_and_it_is_said():
    found = picked(FakeJudge({"bad": 1.0, "good": 8.0, "fair": 6.0}), FakePairJudge(), pick="tournament")
    assert (found["message"]["content"], found["selfj"]["picked_by"], found["selfj"]["matches"]) == ("good", "score", 2)


def test_a_tournament_that_nothing_can_judge_is_refused_with_the_field():
    response = posted(selfj={"best_of": 3, "pick": "tournament"})
    assert response.status_code == 422 and response.json()["error"]["param"] == "selfj.pick"


def test_a_model_that_compares_and_is_lost_is_503():
    client = TestClient(fake_app(comparing=FakePairJudge(problem=Unavailable("gone"))))
    response = client.post(URL, json=request(selfj={"best_of": 3, "pick": "tournament"}))
    assert response.status_code == 503 and response.headers["retry-after"]


def test_candidates_are_not_shown_unless_asked_for():
    assert choice(selfj={"best_of": 3})["selfj"]["candidates"] is None


def test_usage_counts_both_models():
    usage = posted(FakePolicy(["one two three"]), n=2).json()["usage"]
    assert usage["completion_tokens"] == 6
    assert usage["prompt_tokens"] == 7 + 20
    assert usage["total_tokens"] == 33
    assert usage["prompt_tokens_details"] == {"cached_tokens": 3 + 8}
    assert usage["selfj"]["judge"] == {"prompt_tokens": 20, "cached_tokens": 8, "completion_tokens": 0}


def test_the_refusal_can_be_worded_by_the_operator():
    def change(settings):
        settings.refusal = "Nein: {score}"

    assert choice(judge=FakeJudge(default=1.0), change=change)["message"]["refusal"] == "Nein: 1.0"


@pytest.mark.parametrize(("problem", "status"), [(Overloaded("full"), 503), (Unavailable("gone"), 503), (TimedOut("late"), 504)])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["pocket", "pocket@always"])
def test_a_policy_that_cannot_answer_is_an_error_and_no_stream(problem, status, stream, model):
    response = posted(FakePolicy(problem=problem), stream=stream, model=model)
    assert response.status_code == status
    assert response.json()["error"]["message"] == str(problem)


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_is_answered_under_a_promise_while_the_judge_is_away(stream):
    response = posted(FakePolicy(["a guess"]), FakeJudge(problem=Unavailable("no judge is there")), stream=stream)
    assert response.status_code == 503
    assert "a guess" not in response.text


def test_an_unknown_promise_is_404_and_names_the_model():
    response = posted(model="pocket@quality=0.99")
    assert response.status_code == 404
    assert response.json()["error"]["param"] == "model"


def test_a_limit_is_422_and_names_the_field():
    response = posted(selfj={"best_of": 64})
    assert response.status_code == 422
    assert response.json()["error"]["param"] == "selfj.best_of"


def test_a_judged_stream_says_the_same_as_the_whole_response():
    policy, judge = FakePolicy(["word " * 30]), FakeJudge(default=6.0)
    whole = choice(policy, judge)
    pieces = chunks(posted(policy, judge, stream=True))
    assert "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces) == whole["message"]["content"]
    assert pieces[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert pieces[-1]["choices"][0]["finish_reason"] == "stop"
    assert pieces[-1]["choices"][0]["selfj"] == whole["selfj"]


def test_a_declined_stream_has_a_refusal_and_never_any_content():
    deltas = [piece["choices"][0]["delta"] for piece in chunks(posted(judge=FakeJudge(default=1.0), stream=True))]
    assert not any("content" in delta for delta in deltas)
    assert "1.0 of 9" in "".join(delta.get("refusal", "") for delta in deltas)


@pytest.mark.parametrize("model", ["pocket", "pocket@always"])
def test_usage_comes_in_a_last_chunk_without_choices_if_asked_for(model):
    found = chunks(posted(model=model, stream=True, stream_options={"include_usage": True}))
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["completion_tokens"] == 2
    assert all(chunk["usage"] is None for chunk in found[:-1])
    assert all(chunk["usage"] is None for chunk in chunks(posted(model=model, stream=True)))


def test_always_with_best_of_is_picked_before_it_is_sent():
    judge = FakeJudge({"bad": 1.0, "good": 8.0})
    found = chunks(posted(FakePolicy(["bad", "good"]), judge, model="pocket@always", stream=True, selfj={"best_of": 2}))
    assert "".join(piece["choices"][0]["delta"].get("content", "") for piece in found) == "good"


@dataclass
class Counting(NoMetrics):
    decisions: list = field(default_factory=list)
    counted: list = field(default_factory=list)

    def decision(self, promise, answered, score):
        self.decisions.append((promise, answered, score))

    def tokens(self, role, prompt, generated, cached):
        self.counted.append((role, prompt, generated, cached))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "promise", "answered"), [("pocket", "quality=0.7", False), ("pocket@always", "always", True)])
def test_decisions_and_tokens_are_counted(stream, model, promise, answered):
    metrics = Counting()
    endpoint = replace(fake_endpoint(FakePolicy(["one two"]), FakeJudge(default=3.0)), metrics=metrics)
    TestClient(create_app(endpoint)).post(URL, json=request(model=model, stream=stream))
    assert metrics.decisions == [(promise, answered, 3.0)]
    assert [(role, prompt, generated) for role, prompt, generated, _ in metrics.counted] == [("policy", 7, 2), ("judge", 10, 0)]


def test_the_response_carries_the_id_of_the_request():
    response = TestClient(fake_app()).post(URL, json=request(), headers={"X-Request-Id": "mine-1"})
    assert response.headers["X-Request-Id"] == "mine-1"
    assert response.json()["id"] == "chatcmpl-mine-1"
