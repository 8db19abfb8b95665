"""The request of `/v1/chat/completions`: OpenAI's, and what is added to it under `selfj`.

Fields of OpenAI's that change nothing here are ignored; those that would change the answer, and that this endpoint does not
do, are refused with their name.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from selfj.serve.types.text import UNICODE, Several, Text


def _refuse_unless_empty(value: Any) -> None:
    if value:
        raise PydanticCustomError("unsupported", "not supported by this endpoint; leave it out")


def _as_parts(content: Any) -> Any:
    if content is not None and not isinstance(content, str | list):
        raise PydanticCustomError("content", "Input should be a text or a list of text parts")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _as_list(stop: Any) -> Any:
    if stop is not None and not isinstance(stop, str | list):
        raise PydanticCustomError("stop", "Input should be a text or a list of texts")
    return [stop] if isinstance(stop, str) else stop


Ignored = Annotated[Any, Field(description="Accepted; changes nothing here.")]
Unsupported = Annotated[None, BeforeValidator(_refuse_unless_empty), Field(description="Not supported: null or empty.")]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class TextPart(_Strict):
    """A piece of a message."""

    type: Literal["text"]
    text: Text
    prompt_cache_breakpoint: Ignored = None


Parts = Annotated[Several[TextPart] | None, BeforeValidator(_as_parts, json_schema_input_type=str | list[TextPart] | None)]
StopText = Annotated[str, Field(min_length=1), UNICODE]
StopTexts = Annotated[
    Annotated[list[StopText], Field(max_length=4)] | None,
    BeforeValidator(_as_list, json_schema_input_type=StopText | Annotated[list[StopText], Field(max_length=4)] | None),
]


class ChatMessage(_Strict):
    """One turn, as clients write it, or as they got it from an endpoint and send it back."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Parts = None
    refusal: Text | None = None
    """Of a turn of the assistant that was declined."""
    name: Ignored = None
    annotations: Ignored = None
    tool_calls: Unsupported = None
    function_call: Unsupported = None
    audio: Unsupported = None


class StreamOptions(_Strict):
    """What a stream contains."""

    include_usage: bool | None = None
    """Send the token counts in a last chunk."""
    include_obfuscation: Ignored = None


class SelfJOptions(_Strict):
    """How the endpoint picks each answer."""

    best_of: Count = 1
    """Candidates drawn for each answer at the most; the one that the judge rates highest is taken."""
    adaptive: bool = True
    """Stop drawing as soon as a candidate reaches `stop_at`; else all are drawn."""
    stop_at: Annotated[float, Field(ge=0, le=9, allow_inf_nan=False)] | None = None
    """Score that ends the drawing; by default the promise's threshold. With neither (`@always`) all are drawn."""
    at_a_time: Count = 1
    """Candidates drawn together before the judge is asked again: more take less time, and may be more than were needed."""
    candidates: bool = False
    """Return all candidates with their scores, highest first (the one that was picked before all others), declined ones too."""
    pick: Literal["score", "tournament"] | None = None
    """How one candidate is picked: the highest score, or a knock-out tournament in which a model compares two at a time. By
    default as the endpoint is set up. A tournament draws all candidates."""


class TextFormat(_Strict):
    """The only format of answers."""

    type: Literal["text"]


class ChatRequest(_Strict):
    """A conversation to continue."""

    model: Annotated[str, Field(max_length=256), UNICODE]
    """`NAME` or `NAME@PROMISE`, as `/v1/models` lists them."""
    messages: Annotated[Several[ChatMessage], Field(min_length=1)]
    n: Count | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    """Seed of the first candidate of the first answer; the others' follow from it."""
    stop: StopTexts = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    selfj: SelfJOptions | None = None
    # Accepted in the form that changes nothing:
    response_format: TextFormat | None = None
    modalities: Several[Literal["text"]] | None = None
    tool_choice: Literal["none", "auto"] | None = None
    reasoning_effort: Literal["none"] | None = None
    audio: Unsupported = None
    frequency_penalty: Unsupported = None
    function_call: Unsupported = None
    functions: Unsupported = None
    logit_bias: Unsupported = None
    logprobs: Unsupported = None
    moderation: Unsupported = None
    presence_penalty: Unsupported = None
    tools: Unsupported = None
    top_logprobs: Unsupported = None
    verbosity: Unsupported = None
    web_search_options: Unsupported = None
    metadata: Ignored = None
    parallel_tool_calls: Ignored = None
    prediction: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_options: Ignored = None
    prompt_cache_retention: Ignored = None
    safety_identifier: Ignored = None
    service_tier: Ignored = None
    store: Ignored = None
    user: Ignored = None
