"""Request and response of `/v1/rerank`: Cohere's (v1 and v2), Jina's and vLLM's, which are one but for what they leave out.

Fields that change nothing here are ignored; those that would change the order, and that this endpoint does not do, are refused.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from selfj.serve.types.chat import Ignored, Unsupported
from selfj.serve.types.judge import JudgeUsage
from selfj.serve.types.text import ModelName, Several, Spoken, Text


def _as_document(document: Any) -> Any:
    return {"text": document} if isinstance(document, str) else document


def _as_list(documents: Any) -> Any:
    return [documents] if isinstance(documents, str) else documents


class Document(BaseModel):
    """A candidate answer; further fields come back with it."""

    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[Text, Text]
    text: Text


class RelevantSpans(BaseModel):
    """Cohere's highlighting, which can only be off."""

    model_config = ConfigDict(extra="ignore", strict=True)
    mode: Literal["disabled"]


def _off(value: bool) -> bool:
    if value:
        raise PydanticCustomError("off", "there are none")
    return value


Off = Annotated[bool, AfterValidator(_off), WithJsonSchema({"const": False})]
AnyDocument = Annotated[Document, BeforeValidator(_as_document, json_schema_input_type=str | Document)]


class RerankRequest(BaseModel):
    """An instruction as the query, its candidate answers as documents."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Spoken
    documents: Annotated[Several[AnyDocument], Field(min_length=1), BeforeValidator(_as_list)]
    model: ModelName | None = None
    """Name with promise, which decides `selfj.answered`; by default the endpoint's default promise."""
    top_n: Annotated[int, Field(ge=0)] | None = None
    """Best answers to return; by default, and with 0 (vLLM's default), all."""
    return_documents: bool | None = None
    """Whether results repeat the answers; by default they do."""
    max_tokens_per_doc: Annotated[int, Field(ge=0)] | None = None
    """Answers are judged whole: refused where it could shorten one."""
    rank_fields: Several[Literal["text"]] | None = None
    relevant_spans: RelevantSpans | None = None
    truncate_prompt_tokens: Unsupported = None
    max_tokens_per_query: Unsupported = None
    instruction: Unsupported = None
    chat_template_kwargs: Unsupported = None
    use_activation: Ignored = None
    max_chunks_per_doc: Ignored = None
    return_embeddings: Off | None = None
    priority: Ignored = None
    request_id: Ignored = None
    user: Ignored = None

    @field_validator("max_tokens_per_doc")
    @classmethod
    def _shortens_none(cls, most: int | None, info: ValidationInfo) -> int | None:
        documents: list[Document] = info.data.get("documents", [])
        if most and any(len(document.text.encode()) > most for document in documents):  # a token has at least one byte
            raise PydanticCustomError("max_tokens_per_doc", "answers are judged whole; leave it out")
        return most


class Ranking(BaseModel):
    """What the judge says of one answer."""

    score: float
    """0 to 9."""
    probabilities: list[float]
    threshold: float | None
    answered: bool
    """Whether the promise gives this answer."""


class RerankResult(BaseModel):
    """One answer, in the place that it earned."""

    index: int
    """Its place in the request."""
    relevance_score: float
    """Its score divided by 9: 0 to 1."""
    document: Document | None
    selfj: Ranking


class Unscored(BaseModel):
    """An answer that could not be judged, and so has no place."""

    index: int
    reason: str


class BilledUnits(BaseModel):
    """Cohere's unit."""

    search_units: int = 1


class MetaTokens(BaseModel):
    """Cohere's names for tokens."""

    input_tokens: int
    output_tokens: Literal[0] = 0


class RerankMeta(BaseModel):
    """What Cohere's clients read beside the results."""

    billed_units: BilledUnits = BilledUnits()
    tokens: MetaTokens
    cached_tokens: int
    warnings: list[str] | None
    """One for each answer that could not be judged."""


class RerankResponse(BaseModel):
    """Answers, best first."""

    id: str
    model: str
    """Name and promise, also where the request named no promise."""
    results: list[RerankResult]
    unscored: list[Unscored]
    """Answers that are not among the results because they could not be judged."""
    meta: RerankMeta
    usage: JudgeUsage
