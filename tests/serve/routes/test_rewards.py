import pytest
from starlette.testclient import TestClient

from tests.serve.fakes import FakeJudge, fake_app

SCORES = {"good": 9.0, "bad": 1.0, "long": None}
PROMPT = "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"


def sent(answers, prompt=PROMPT, end="<|im_end|>", **further):
    """What OpenRLHF sends for answers to one prompt."""
    return {
        "query": [prompt + answer + end for answer in answers],
        "prompts": [prompt] * len(answers),
        "labels": [""] * len(answers),
        **further,
    }


def rewarded(body, judge=None, **options):
    client = TestClient(fake_app(judge=judge or FakeJudge(SCORES)))
    response = client.post("/get_reward", json=body, params=options)
    return response.status_code, response.json()


def rewards(body, **options):
    status, reply = rewarded(body, **options)
    assert status == 200, reply
    return reply["rewards"]


def test_prompt_and_answer_are_told_apart_and_the_end_token_is_no_part_of_the_answer():
    judge = FakeJudge(SCORES)
    status, reply = rewarded(sent(["good", "bad"]), judge)
    assert status == 200 and reply["rewards"] == [1.0, pytest.approx(1 / 9)] and reply["scores"] == reply["rewards"]
    assert [(question.instruction, question.response) for question in judge.asked] == [("Why?", "good"), ("Why?", "bad")]
    assert reply["extra_logs"] == {"judged": [1.0, 1.0], "answered": [1.0, 0.0]}
    assert [note["format"] for note in reply["selfj"]] == ["chatml", "chatml"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [1.0, pytest.approx(1 / 9)]),
        ({"scale": "score"}, [9, 1]),
        ({"scale": "margin"}, [4, -4]),
        ({"scale": "margin", "model": "pocket@coverage=0.8"}, [7, -1]),
        ({"scale": "answered"}, [1, 0]),
    ],
)
def test_the_scale_is_named_in_the_address(options, expected):
    assert rewards(sent(["good", "bad"]), **options) == expected


def test_what_could_not_be_judged_is_null_with_the_reason_or_what_missing_says():
    status, reply = rewarded(sent(["good", "long"]))
    assert status == 200 and reply["rewards"] == [1.0, None] and reply["selfj"][1]["reason"].startswith("instruction alone")
    assert reply["extra_logs"]["judged"] == [1.0, 0.0] and reply["extra_logs"]["answered"] == [1.0, 0.0]
    assert rewards(sent(["good", "long"]), missing="-0.5") == [1.0, -0.5]


def test_an_unjudged_answer_does_not_count_as_answered_where_everything_is_answered():
    _, reply = rewarded(sent(["long"]), model="pocket@always")
    assert reply["extra_logs"]["answered"] == [0.0]


def test_a_prompt_in_an_unknown_template_is_null_unless_the_template_is_given():
    body = sent(["good"], prompt="USER: Why? ASSISTANT: ", end="</s>")
    status, reply = rewarded(body)
    assert status == 200 and reply["rewards"] == [None] and "template" in reply["selfj"][0]["reason"]
    judge = FakeJudge(SCORES)
    status, reply = rewarded(body, judge, template="USER: {} ASSISTANT: ")
    assert reply["rewards"] == [1.0] and judge.asked[0].instruction == "Why?" and reply["selfj"][0]["format"] == "template"


def test_one_bad_sample_leaves_the_others_their_rewards():
    body = sent(["good", "bad"])
    body["query"][0] = "something else"
    status, reply = rewarded(body)
    assert status == 200 and reply["rewards"] == [None, pytest.approx(1 / 9)]
    assert "does not begin with its prompt" in reply["selfj"][0]["reason"]


def test_a_single_text_is_a_list_of_one():
    assert rewards({"query": f"{PROMPT}good", "prompts": PROMPT}) == [1.0]


def test_no_samples_are_no_rewards():
    assert rewards({"query": [], "prompts": []}) == []


@pytest.mark.parametrize(
    ("body", "options", "field"),
    [
        ({"query": ["a"]}, {}, "prompts"),
        ({"prompts": ["a"]}, {}, "query"),
        ({"query": ["a", "b"], "prompts": ["a"]}, {}, "prompts"),
        ({"query": ["a", None], "prompts": ["a", "b"]}, {}, "query.1"),
        ({"query": ["a"], "prompts": ["a"], "responses": ["b"]}, {}, "responses"),
        (sent(["a"] * 300), {}, "query"),
        (sent(["a"]), {"scale": "percent"}, "scale"),
        (sent(["a"]), {"scael": "unit"}, "scael"),
        (sent(["a"]), {"missing": "nan"}, "missing"),
        (sent(["a"]), {"template": "no place"}, "template"),
        (sent(["a"]), {"scale": "margin", "model": "pocket@always"}, "scale"),
    ],
)
def test_what_would_have_to_be_guessed_is_refused_with_the_field_named(body, options, field):
    status, reply = rewarded(body, **options)
    assert status == 422 and reply["error"]["param"].removeprefix("query.") == field.removeprefix("query.")
