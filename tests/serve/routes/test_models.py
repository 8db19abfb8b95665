"""`/v1/models`."""

from dataclasses import replace

from starlette.testclient import TestClient

from selfj.serve.app import create_app
from tests.serve.fakes import fake_app, fake_endpoint

CLIENT = TestClient(fake_app())


def test_every_promise_has_a_name_and_the_plain_name_is_the_default():
    models = {model["id"]: model["selfj"] for model in CLIENT.get("/v1/models").json()["data"]}
    assert list(models) == ["pocket", "pocket@coverage=0.8", "pocket@quality=0.7", "pocket@always"]
    assert models["pocket"]["name"] == "quality=0.7"
    assert models["pocket@always"]["threshold"] is None


def test_a_model_says_what_quality_its_promise_is_about():
    card = CLIENT.get("/v1/models/pocket@quality=0.7").json()["selfj"]
    assert card["on"] == "gold: exact grades"
    assert card["threshold"] == 5.0


def test_the_names_of_models_are_those_that_requests_may_use():
    messages = [{"role": "user", "content": "Hello"}]
    for model in CLIENT.get("/v1/models").json()["data"]:
        response = CLIENT.post("/v1/chat/completions", json={"model": model["id"], "messages": messages})
        assert response.status_code == 200


def test_a_name_that_is_not_served_is_404():
    assert CLIENT.get("/v1/models/pocket@quality=0.9").status_code == 404


def test_promises_say_that_they_were_made_for_another_policy():
    client = TestClient(create_app(replace(fake_endpoint(), departures=("policy.system_prompt",))))
    said = {card["name"]: card["departures"] for card in client.get("/v1/calibration").json()["promises"]}
    assert said == {"coverage=0.8": ["policy.system_prompt"], "quality=0.7": ["policy.system_prompt"], "always": []}
    assert client.get("/v1/models/pocket").json()["selfj"]["departures"] == ["policy.system_prompt"]
    assert CLIENT.get("/v1/models/pocket").json()["selfj"]["departures"] == []
