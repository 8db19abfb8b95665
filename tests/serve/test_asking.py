"""From a request to what the models are asked."""

from dataclasses import replace

import pytest

from selfj.serve.asking import ask_of
from selfj.serve.errors import ApiError
from selfj.serve.types.chat import ChatRequest
from tests.serve.fakes import FakePairJudge, fake_endpoint

USER = {"role": "user", "content": "Hello"}


def asked(change=lambda _: None, system_prompt="", **fields):
    request = ChatRequest.model_validate({"model": "pocket", "messages": [USER]} | fields)
    return ask_of(request, replace(fake_endpoint(change=change), system_prompt=system_prompt), "req-1")


def seeds(ask):
    return [ask.seed(choice, number) for choice in range(ask.choices) for number in range(ask.drawing.most)]


def test_the_defaults_are_what_the_answers_of_the_calibration_were_drawn_with():
    call = asked().call
    assert (call.temperature, call.top_p, call.max_tokens, call.stop) == (1.0, 1.0, 64, [])
    assert call.seeds == [None]
    assert asked().departures == []


def test_a_plain_name_is_the_default_promise_in_full():
    assert asked().model == "pocket@quality=0.7"
    assert asked(model="pocket@coverage=0.8").promise.threshold == 2.0


def test_both_names_of_the_longest_answer_are_understood():
    assert asked(max_tokens=9).call.max_tokens == asked(max_completion_tokens=9).call.max_tokens == 9
    assert asked(max_tokens=9, max_completion_tokens=9).call.max_tokens == 9


def test_greedy_decoding_is_not_mistaken_for_the_default():
    assert asked(temperature=0).call.temperature == 0


def test_no_two_candidates_of_a_request_share_a_seed_and_the_first_has_the_requests():
    found = seeds(asked(seed=5, n=3, selfj={"best_of": 4}))
    assert found[0] == 5
    assert len(set(found)) == 12


def test_seeds_at_the_end_of_their_range_stay_in_it():
    found = seeds(asked(seed=2**63 - 1, n=2, selfj={"best_of": 2}))
    assert all(0 <= seed < 2**63 for seed in found)
    assert len(set(found)) == 4


def test_without_a_seed_no_candidate_has_one():
    assert seeds(asked(n=2, selfj={"best_of": 2})) == [None] * 4


@pytest.mark.parametrize(
    ("fields", "stop_at"),
    [
        ({}, 5.0),
        ({"model": "pocket@always"}, None),
        ({"model": "pocket@always", "selfj": {"best_of": 4, "stop_at": 7.5}}, 7.5),
        ({"selfj": {"best_of": 4, "stop_at": 7.5}}, 7.5),
        ({"selfj": {"best_of": 4, "adaptive": False}}, None),
    ],
)
def test_drawing_stops_at_the_promise_s_threshold_unless_asked_otherwise(fields, stop_at):
    assert asked(**fields).drawing.stop_at == stop_at


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"n": 9}, "n", "at most 8"),
        ({"n": 10**15}, "n", "at most 8"),
        ({"selfj": {"best_of": 33}}, "selfj.best_of", "at most 32"),
        ({"max_tokens": 2049}, "max_tokens", "at most 2048"),
        ({"max_completion_tokens": 2049}, "max_completion_tokens", "at most 2048"),
        ({"max_tokens": 3, "max_completion_tokens": 4}, "max_tokens", "differs from max_completion_tokens"),
        ({"selfj": {"best_of": 2}, "temperature": 0}, "selfj.best_of", "at temperature 0 all candidates are the same"),
        ({"selfj": {"best_of": 2, "stop_at": 4.9}}, "selfj.stop_at", "at least the promise's threshold, 5"),
        ({"selfj": {"best_of": 2, "pick": "tournament"}}, "selfj.pick", "no model that compares answers is served here"),
        ({"messages": [{"role": "user", "content": "x" * 200_001}]}, "messages", "at most 200000 characters in all"),
    ],
)
def test_what_is_above_a_limit_is_refused_with_the_field_and_the_limit(fields, field, message):
    with pytest.raises(ApiError, match=message) as problem:
        asked(**fields)
    assert problem.value.status == 422
    assert problem.value.field == field
    assert problem.value.message.startswith(f"{field}: ")


def test_a_tournament_draws_all_candidates_and_where_it_would_stop_cannot_be_said():
    endpoint = fake_endpoint(comparing=FakePairJudge())
    body = {"model": "pocket", "messages": [USER], "selfj": {"best_of": 4, "pick": "tournament"}}
    drawing = ask_of(ChatRequest.model_validate(body), endpoint, "req-1").drawing
    assert (drawing.most, drawing.stop_at, drawing.tournament) == (4, None, True)
    body["selfj"]["stop_at"] = 7
    with pytest.raises(ApiError, match="a tournament draws all candidates") as problem:
        ask_of(ChatRequest.model_validate(body), endpoint, "req-1")
    assert problem.value.field == "selfj.stop_at"


def test_turns_that_are_too_long_only_together_are_refused():
    def short(settings):
        settings.limits.text_characters = 30

    turns = [("user", "x" * 12), ("assistant", "y" * 12), ("user", "z" * 12)]
    with pytest.raises(ApiError, match="at most 30 characters"):
        asked(short, messages=[{"role": role, "content": content} for role, content in turns])


@pytest.mark.parametrize(
    ("fields", "departure"),
    [
        ({"temperature": 0.2}, "temperature"),
        ({"top_p": 0.9}, "top_p"),
        ({"max_tokens": 8}, "max_tokens"),
        ({"stop": "\n"}, "stop"),
        ({"selfj": {"best_of": 2}}, "selfj.best_of"),
        ({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]}, "messages"),
    ],
)
def test_what_was_not_calibrated_is_named(fields, departure):
    assert asked(**fields).departures == [departure]


def test_a_client_that_sends_the_runs_own_system_prompt_departs_from_nothing():
    """The policy gets it in any case; the judge was calibrated without."""
    ask = asked(system_prompt="You add.", messages=[{"role": "system", "content": "You add."}, USER])
    assert (ask.departures, ask.instruction, ask.call.messages) == ([], "Hello", [USER])


@pytest.mark.parametrize(("said", "judged"), [("Be brief.", "Be brief.\n\nHello"), ("You are a helpful assistant.", "Hello")])
def test_another_system_prompt_takes_the_place_of_the_runs_and_is_named(said, judged):
    ask = asked(system_prompt="You add.", messages=[{"role": "system", "content": said}, USER])
    assert (ask.departures, ask.instruction) == (["messages"], judged)
    assert ask.call.messages == [{"role": "system", "content": said}, USER]


def test_naming_the_default_departs_from_nothing():
    assert asked(temperature=1.0, top_p=1.0, max_tokens=64, n=3, seed=4).departures == []


def test_only_an_answer_that_is_neither_judged_nor_picked_can_be_sent_at_once():
    assert asked(model="pocket@always").at_once
    assert not asked(model="pocket@always", selfj={"best_of": 2}).at_once
    assert not asked().at_once


def test_another_policy_than_the_calibrations_is_a_departure_of_every_request():
    endpoint = replace(fake_endpoint(), departures=("policy.system_prompt",))
    request = ChatRequest.model_validate({"model": "pocket", "messages": [USER], "temperature": 0.5})
    assert ask_of(request, endpoint, "req-1").departures == ["policy.system_prompt", "temperature"]
