"""`/v1/calibration`: the judge's promises and its curve."""

from dataclasses import replace

from starlette.testclient import TestClient

from selfj.serve.app import create_app
from selfj.serve.decide import REFUSAL, Promise, Promises
from tests.serve.fakes import CURVE, fake_app, fake_endpoint


def card(**endpoint):
    return TestClient(fake_app(**endpoint)).get("/v1/calibration").json()


def test_every_promise_has_the_model_name_that_asks_for_it():
    found = card()
    assert [promise["model"] for promise in found["promises"]] == ["pocket@coverage=0.8", "pocket@quality=0.7", "pocket@always"]
    assert found["default"] == "quality=0.7"
    assert [promise["threshold"] for promise in found["promises"]] == [2.0, 5.0, None]


def test_the_curve_stands_there_with_what_quality_is():
    found = card()
    assert found["curve"] == CURVE and found["on"] == "gold: exact grades"


def test_a_point_at_which_nothing_is_answered_has_no_quality():
    endpoint = fake_endpoint()
    calibration = {
        "on": "label-free quality",
        "curve": [{"threshold": 9.0, "coverage": 0.0, "quality": None, "quality_low": 0.0}],
    }
    endpoint = replace(endpoint, promises=replace(endpoint.promises, calibration=calibration))
    assert TestClient(create_app(endpoint)).get("/v1/calibration").json()["curve"][0]["quality"] is None


def test_what_the_figures_were_made_with_and_what_may_be_asked_for_is_said():
    found = card(change=lambda settings: setattr(settings.limits, "best_of", 4))
    assert found["sampling"] == {"temperature": 1.0, "top_p": 1.0, "max_tokens": 64}
    assert found["limits"]["best_of"] == 4


def test_the_sentence_of_a_refusal_is_the_endpoints_own():
    assert card()["refusal"] == REFUSAL
    assert card(change=lambda settings: setattr(settings, "refusal", "No: {score}."))["refusal"] == "No: {score}."


def test_a_judge_that_was_never_calibrated_has_an_empty_curve():
    always = Promise("always", None, {})
    endpoint = replace(fake_endpoint(), promises=Promises({"always": always}, always, {}))
    found = TestClient(create_app(endpoint)).get("/v1/calibration").json()
    assert found["curve"] == [] and found["on"] is None and found["default"] == "always"
