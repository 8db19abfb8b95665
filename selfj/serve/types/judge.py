"""Request and response of `/v1/judge`."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfj.serve.services import Message
from selfj.serve.types.text import ModelName, Several, Spoken, Text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Turn(_Strict):
    """One turn of the conversation that was answered."""

    role: Literal["system", "user", "assistant"]
    content: Text


class JudgeItem(_Strict):
    """An instruction with one answer or many; or, in place of the instruction, the conversation that was answered."""

    instruction: Spoken | None = None
    messages: Annotated[Several[Turn], Field(min_length=1)] | None = None
    """Its last turn is the user's."""
    response: Text | None = None
    responses: Several[Text] | None = None
    reference: Text | None = None
    """A reference answer that the judge may see. Thresholds were calibrated without: then there is no decision."""

    def turns(self) -> list[Message] | None:
        """The conversation, where there is one."""
        return None if self.messages is None else [{"role": turn.role, "content": turn.content} for turn in self.messages]

    def answers(self) -> list[tuple[str, str]]:
        """Each answer with the name of its field."""
        if self.response is not None:
            return [("response", self.response)]
        return [(f"responses.{place}", text) for place, text in enumerate(self.responses or [])]

    def problem(self) -> tuple[str, str] | None:
        """The field and what is wrong, if there is not one instruction and its answers."""
        if _given(self.instruction, self.messages) != 1:
            return "instruction", "give it, or messages in its place"
        if self.messages is not None and (self.messages[-1].role != "user" or not self.messages[-1].content.strip()):
            return "messages", "the last turn must be the user's, and must not be blank"
        if _given(self.response, self.responses) != 1:
            return "response", "give it, or responses in its place"
        return None


class JudgeRequest(JudgeItem):
    """Answers to judge: of one instruction, or of many as `items`."""

    model: ModelName | None = None
    """Name with promise; by default the endpoint's default promise."""
    items: Several[JudgeItem] | None = None

    def problem(self) -> tuple[str, str] | None:
        """The field and what is wrong, if the request itself names no answers or names them twice."""
        if self.items is None:
            return super().problem()
        if _given(self.instruction, self.messages, self.response, self.responses, self.reference):
            return "items", "give them, or one instruction with its answers, not both"
        return None

    def named(self) -> Iterator[tuple[str, JudgeItem]]:
        """What is to be judged, each with what its fields' names begin with."""
        if self.items is None:
            yield "", self
        else:
            yield from ((f"items.{place}.", item) for place, item in enumerate(self.items))


class Judgement(BaseModel):
    """What the judge says of one answer."""

    index: int
    """Place of the answer in the request, from 0."""
    score: float | None
    """Expected value of the ten probabilities, 0 to 9; null if the answer could not be judged."""
    probabilities: list[float] | None
    """Of the digits 0 to 9."""
    threshold: float | None
    """Score from which answers are given; null gives them all, or nothing was decided because a reference was in view."""
    answered: bool | None
    """Whether the promise gives this answer; null if a reference was in view."""
    reason: str | None
    """Why there is no score."""


class JudgeUsage(BaseModel):
    """Tokens that the judge read. It writes none: a rating is read from the probabilities of the next token."""

    prompt_tokens: int
    completion_tokens: Literal[0] = 0
    total_tokens: int
    cached_tokens: int
    """Prompt tokens that were found in the prefix cache."""


class JudgeResponse(BaseModel):
    """Judgements in the order of the answers."""

    id: str
    object: Literal["list"] = "list"
    model: str
    """Name and promise, also where the request named no promise."""
    results: list[Judgement]
    usage: JudgeUsage


def _given(*values: object) -> int:
    return sum(value is not None for value in values)
