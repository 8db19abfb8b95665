"""Which fields of OpenAI's request are taken, ignored and refused."""

import pytest
from openai.types.chat import completion_create_params
from pydantic import ValidationError

from selfj.serve.types.chat import ChatRequest

REQUEST = {"model": "pocket", "messages": [{"role": "user", "content": "Hello"}]}


def problem_with(**fields) -> tuple[str, str]:
    with pytest.raises(ValidationError) as problem:
        ChatRequest.model_validate(REQUEST | fields)
    first = problem.value.errors()[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]


def test_every_field_of_the_official_client_is_known():
    official = completion_create_params.CompletionCreateParamsStreaming.__annotations__.keys()
    official |= completion_create_params.CompletionCreateParamsBase.__annotations__.keys()
    assert official <= ChatRequest.model_fields.keys()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("functions", [{"name": "f"}]),
        ("function_call", "auto"),
        ("logprobs", True),
        ("top_logprobs", 5),
        ("logit_bias", {"5": 100}),
        ("presence_penalty", 0.5),
        ("frequency_penalty", -0.5),
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("web_search_options", {"search_context_size": "low"}),
        ("verbosity", "low"),
        ("moderation", {"model": "omni-moderation-latest"}),
    ],
)
def test_what_would_change_the_answer_and_is_not_supported_is_refused(field, value):
    assert problem_with(**{field: value}) == (field, "not supported by this endpoint; leave it out")


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("response_format", {"type": "json_object"}, "response_format.type"),
        ("modalities", ["text", "audio"], "modalities.1"),
        ("tool_choice", "required", "tool_choice"),
        ("reasoning_effort", "high", "reasoning_effort"),
        ("top_k", 5, "top_k"),
        ("n", "2", "n"),
        ("n", 0, "n"),
        ("n", True, "n"),
        ("temperature", 2.1, "temperature"),
        ("temperature", float("nan"), "temperature"),
        ("top_p", 0, "top_p"),
        ("seed", 2**63, "seed"),
        ("stop", "", "stop.0"),
        ("stop", ["a", "b", "c", "d", "e"], "stop"),
        ("stop", 5, "stop"),
        ("messages", [], "messages"),
        ("messages", [{"role": "tool", "content": "5"}], "messages.0.role"),
        ("messages", [{"role": "user", "content": 5}], "messages.0.content"),
        ("messages", [{"role": "user", "content": [{"type": "image_url", "text": "x"}]}], "messages.0.content.0.type"),
        ("messages", [{"role": "user", "content": "half of a pair: \ud800"}], "messages.0.content.0.text"),
        ("messages", [{"role": "assistant", "tool_calls": [{"id": "1"}]}], "messages.0.tool_calls"),
        ("model", "x" * 257, "model"),
        ("selfj", {"best_of": 0}, "selfj.best_of"),
        ("selfj", {"stop_at": 9.5}, "selfj.stop_at"),
        ("selfj", {"best": 2}, "selfj.best"),
    ],
)
def test_a_wrong_value_is_refused_with_the_path_to_it(field, value, path):
    assert problem_with(**{field: value})[0] == path


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [], "tool_choice": "auto", "parallel_tool_calls": True, "functions": None},
        {"logprobs": False, "top_logprobs": 0, "logit_bias": {}, "presence_penalty": 0, "frequency_penalty": 0.0},
        {"user": "someone", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "safety_identifier": "x"},
        {"response_format": {"type": "text"}, "modalities": ["text"], "reasoning_effort": "none"},
        {"n": None, "stop": None, "temperature": None, "seed": None, "selfj": None, "stream_options": None},
    ],
)
def test_what_changes_nothing_is_accepted(fields):
    ChatRequest.model_validate(REQUEST | fields)


def test_a_text_to_stop_at_is_a_list_of_one():
    assert ChatRequest.model_validate(REQUEST | {"stop": "\n"}).stop == ["\n"]
