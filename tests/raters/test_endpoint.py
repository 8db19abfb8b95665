"""Judges behind an endpoint, against a small server that answers and fails as told."""

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from selfj.config import OutsideJudgeSettings
from selfj.errors import ModelError
from selfj.raters import load_judge
from selfj.rating import Question
from tests.raters.fake_endpoint import Answer, Endpoint, endpoint, failed, said

KEY = "sk-secret-0123456789"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


def judge(seen: Endpoint, cache: Path | None = None, requests_per_minute: float = 0, **options: Any) -> Any:
    """A judge that asks the fake endpoint."""
    settings = OutsideJudgeSettings(
        name="gpt",
        model="gpt-test",
        base_url=seen.url,
        api_key_variable="TEST_KEY",
        cache=str(cache or ""),
        max_concurrency=4,
        requests_per_minute=requests_per_minute,
        options=options,
    )
    return load_judge(settings)


def questions(count: int) -> list[Question]:
    return [Question(f"What is {number} + 1?", f"{number + 1}") for number in range(count)]


def asked_number(body: dict[str, Any]) -> int:
    """The number in the question that a request holds."""
    return int(body["messages"][0]["content"].split("What is ")[1].split()[0])


def test_ratings_come_in_the_order_of_the_questions_whatever_the_order_of_replies():
    with endpoint(lambda _, body: Answer(said(str(asked_number(body))).body, delay=0.1 - 0.01 * asked_number(body))) as seen:
        ratings = judge(seen).rate(questions(8))
    assert [rating.score for rating in ratings] == list(range(8))


def test_the_request_holds_model_prompt_and_parameters():
    with endpoint(lambda *_: said("5")) as seen:
        judge(seen, parameters={"top_logprobs": None, "logprobs": None, "seed": 3}).rate(questions(1))
    (body,) = seen.bodies
    assert body.keys() == {"model", "messages", "temperature", "max_tokens", "seed"}
    assert (body["model"], body["temperature"], body["seed"]) == ("gpt-test", 0, 3)
    assert body["messages"][0]["content"].endswith("[Answer]\n1\n\n[Rating]")


def test_probabilities_are_read_where_the_endpoint_gives_them():
    with endpoint(lambda *_: said("9", {"9": math.log(0.5), "1": math.log(0.25), "no": -3.0})) as seen:
        (rating,) = judge(seen).rate(questions(1))
    assert rating.score == pytest.approx((9 * 0.5 + 0.25) / 0.75)
    assert rating.digit_mass == pytest.approx(0.75)
    assert seen.bodies[0]["top_logprobs"] == 20


def test_a_second_run_asks_nothing_and_says_the_same(tmp_path):
    script = lambda _, body: said(str(asked_number(body)), {str(asked_number(body)): -0.5, "3": -2.0})  # noqa: E731
    with endpoint(script) as seen:
        first = judge(seen, tmp_path).rate(questions(6))
        assert seen.requests == 6
        second = judge(seen, tmp_path).rate(questions(6))
        assert seen.requests == 6
    assert first == second


def test_kept_replies_serve_another_address_but_not_another_question_or_parameter(tmp_path):
    with endpoint(lambda *_: said("5")) as seen:
        judge(seen, tmp_path).rate(questions(2))
    with endpoint(lambda *_: said("6")) as other:
        assert [rating.score for rating in judge(other, tmp_path).rate(questions(3))] == [5, 5, 6]
        assert [rating.score for rating in judge(other, tmp_path, parameters={"temperature": 1}).rate(questions(1))] == [6]
        with_reference = Question("What is 0 + 1?", "1", "1")
        assert [rating.score for rating in judge(other, tmp_path).rate([with_reference])] == [6]
    assert other.requests == 3


def test_a_kept_file_that_is_torn_is_asked_again(tmp_path):
    with endpoint(lambda *_: said("5")) as seen:
        judge(seen, tmp_path).rate(questions(1))
        (kept,) = tmp_path.rglob("*.json")
        kept.write_text(kept.read_text()[:50])
        assert judge(seen, tmp_path).rate(questions(1))[0].score == 5
    assert seen.requests == 2
    assert json.loads(kept.read_text())["reply"]["text"] == "5"


def test_one_question_twice_is_asked_once():
    with endpoint(lambda *_: said("5")) as seen:
        assert [rating.score for rating in judge(seen).rate(questions(1) * 5)] == [5] * 5
    assert seen.requests == 1


def test_never_more_requests_at_a_time_than_allowed():
    with endpoint(lambda *_: Answer(said("5").body, delay=0.05)) as seen:
        judge(seen).rate(questions(20))
    assert seen.at_once == 4


def test_requests_keep_to_the_rate_and_repeated_ones_do_too():
    at_once = {"retry-after-ms": "1"}
    with endpoint(lambda number, _: failed(503, headers=at_once) if number < 5 else said("5")) as seen:
        slow = judge(seen, requests_per_minute=600)
        slow.rate(questions(1))
        slow.rate(questions(4)[1:])
    assert seen.requests == 9
    assert seen.times[-1] - seen.times[0] > 0.6, "eight pauses of 0.1 s"


def test_an_endpoint_that_is_busy_is_asked_again_after_the_time_it_names():
    with endpoint(lambda number, _: failed(429, headers={"Retry-After": "1"}) if number == 0 else said("5")) as seen:
        (rating,) = judge(seen).rate(questions(1))
    assert rating.score == 5
    assert 1.0 <= seen.times[1] - seen.times[0] < 1.5


def test_server_errors_are_retried_with_longer_and_longer_pauses():
    with endpoint(lambda number, _: failed((500, 502)[number]) if number < 2 else said("5")) as seen:
        assert judge(seen).rate(questions(1))[0].score == 5
    first, second = (later - earlier for earlier, later in pairwise(seen.times))
    assert 0.3 < first < second


@pytest.mark.parametrize("status", [429, 500, 503])
def test_after_the_last_try_the_row_is_null_with_a_reason(status):
    with endpoint(lambda *_: failed(status, "overloaded")) as seen:
        (rating,) = judge(seen, tries=2).rate(questions(1))
    assert rating.score is None
    assert rating.reason == f"no reply (at most 2 tries): status {status}, 'overloaded'"
    assert seen.requests == 2


def test_a_time_out_is_retried_and_then_null():
    with endpoint(lambda number, body: Answer(said("5").body, delay=1.0 if asked_number(body) == 0 else 0)) as seen:
        ratings = judge(seen, tries=2, timeout_seconds=0.2).rate(questions(2))
    assert [rating.score for rating in ratings] == [None, 5]
    assert "APITimeoutError" in str(ratings[0].reason)
    assert seen.requests == 3


def test_failures_are_not_kept_and_other_rows_are(tmp_path):
    with endpoint(lambda _, body: failed(500) if asked_number(body) == 0 else said("5")) as seen:
        assert [rating.score for rating in judge(seen, tmp_path, tries=1).rate(questions(2))] == [None, 5]
    with endpoint(lambda *_: said("6")) as seen:
        assert [rating.score for rating in judge(seen, tmp_path).rate(questions(2))] == [6, 5]


def test_refusals_and_junk_are_null_cost_nothing_again_and_stop_nothing(tmp_path):
    script = lambda number, _: said("", refusal="I can't.") if number % 2 else said("Well, hm.")  # noqa: E731
    with endpoint(script) as seen:
        reasons = [str(rating.reason) for rating in judge(seen, tmp_path, give_up_after=2).rate(questions(6))]
        judge(seen, tmp_path).rate(questions(6))
    assert seen.requests == 6
    assert sum('refused: "I can\'t."' in reason for reason in reasons) == 3
    assert sum("no number from 0 to 9 in the reply 'Well, hm.'" in reason for reason in reasons) == 3


def test_a_question_that_the_endpoint_filters_out_is_a_refusal():
    with endpoint(lambda *_: failed(400, "Violates our policy", code="content_filter")) as seen:
        ratings = judge(seen, give_up_after=2).rate(questions(5))
    assert {rating.reason for rating in ratings} == {"refused: 'Violates our policy'"}


def test_questions_that_are_too_long_for_the_model_are_null_and_stop_nothing():
    long = failed(400, "This model's maximum context length is 8", code="context_length_exceeded")
    with endpoint(lambda *_: long) as seen:
        ratings = judge(seen, give_up_after=2).rate(questions(5))
    reason = 'the endpoint does not take the question: "This model\'s maximum context length is 8"'
    assert [rating.reason for rating in ratings] == [reason] * 5


def test_an_endpoint_that_takes_no_question_at_all_stops_the_step():
    with endpoint(lambda *_: failed(422, "extra fields not permitted")) as seen, pytest.raises(ModelError, match="extra fields"):
        judge(seen, give_up_after=3).rate(questions(9))


def test_what_is_no_chat_completion_is_null_and_not_kept(tmp_path):
    bodies = ["<html>Welcome</html>", {"hello": 1}, {"choices": []}, {"choices": None}]
    with endpoint(lambda number, _: Answer(bodies[number])) as seen:
        ratings = judge(seen, tmp_path).rate(questions(4))
    assert all("no chat completion" in str(rating.reason) for rating in ratings)
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (failed(401, f"Incorrect API key provided: {KEY}"), "refuses access"),
        (failed(403, "Not from your country"), "refuses access"),
        (failed(404, "The model `gpt-test` does not exist", code="model_not_found"), "has no model gpt-test"),
        (failed(400, "Invalid model", code="invalid_model"), "has no model gpt-test"),
        (failed(400, "logprobs: not with this model", param="logprobs"), "set options.parameters"),
        (failed(400, "Use max_completion_tokens", param="max_tokens", code="unsupported_parameter"), "set options.parameters"),
    ],
)
def test_what_every_question_would_meet_stops_the_step_in_one_line(answer, message):
    with endpoint(lambda *_: answer) as seen, pytest.raises(ModelError, match=message) as problem:
        judge(seen).rate(questions(50))
    assert "\n" not in str(problem.value)
    assert KEY not in str(problem.value)
    assert seen.requests < 10


def test_an_account_without_credit_stops_the_step():
    broke = failed(429, "You exceeded your quota", code="insufficient_quota")
    with endpoint(lambda *_: broke) as seen, pytest.raises(ModelError, match="no credit is left"):
        judge(seen, tries=1).rate(questions(3))


def test_an_endpoint_that_is_down_stops_the_step_instead_of_filling_the_table_with_nulls(tmp_path):
    down = lambda _, body: said("5") if asked_number(body) < 3 else failed(500)  # noqa: E731
    with endpoint(down) as seen, pytest.raises(ModelError, match="no reply to 5 questions in a row"):
        judge(seen, tmp_path, tries=1, give_up_after=5).rate(questions(50))
    assert len(list(tmp_path.rglob("*.json"))) == 3


def test_nobody_there_is_told_by_address():
    gone = Endpoint("http://127.0.0.1:9/v1")
    with pytest.raises(ModelError, match=r"http://127.0.0.1:9/v1: no reply to 2 questions"):
        judge(gone, tries=1, give_up_after=2).rate(questions(3))


def test_the_key_is_sent_and_put_nowhere_else(tmp_path, caplog):
    caplog.set_level("DEBUG")
    with endpoint(lambda number, _: failed(500, f"your key {KEY} is fine") if number == 0 else said("5")) as seen:
        asking = judge(seen, tmp_path, tries=1)
        ratings = asking.rate(questions(1)) + asking.rate(questions(2))
    assert seen.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "your key *** is fine" in str(ratings[0].reason)
    assert KEY not in repr(ratings) + repr(asking.settings) + caplog.text
    assert all(KEY not in file.read_text() for file in tmp_path.rglob("*.json"))


def test_a_key_that_is_not_set_is_said_before_anything_is_asked(monkeypatch):
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(ModelError, match="gpt: the environment variable TEST_KEY is not set"):
        judge(Endpoint("http://127.0.0.1:9/v1"))


def test_an_endpoint_without_keys_needs_none():
    with endpoint(lambda *_: said("5")) as seen:
        open_judge = load_judge(OutsideJudgeSettings(name="local", model="m", base_url=seen.url, api_key_variable=""))
        assert open_judge.rate(questions(1))[0].score == 5


def test_no_questions_ask_nothing():
    with endpoint(lambda *_: said("5")) as seen:
        assert judge(seen).rate([]) == []
    assert seen.requests == 0
