"""`/v1/chat/completions`: OpenAI's request; an answer that the judge vouches for, or a refusal."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from selfj.serve.answering import answer
from selfj.serve.asking import Ask, ask_of
from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.judging import request_id_of
from selfj.serve.streaming import at_once, events, pieces_of, started
from selfj.serve.types.chat import ChatRequest
from selfj.serve.types.completion import ChatCompletion

router = APIRouter()

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""The second tells nginx to pass pieces on as they come."""
STREAMED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


@router.post("/v1/chat/completions", response_model=ChatCompletion, responses=STREAMED)
async def complete(request: Request, body: ChatRequest, endpoint: Annotated[Endpoint, Depends(endpoint_of)]) -> Response:
    """Answer a conversation, or decline to.

    `model` names a promise (`NAME@quality=0.7`). An answer whose score is below its threshold is not given: `message.refusal`
    says so, and `selfj` has the score. With `stream` the response is server-sent events.
    """
    ask = ask_of(body, endpoint, request_id_of(request))
    if body.stream:
        return await _stream(endpoint, ask, bool(body.stream_options and body.stream_options.include_usage))
    completion = await answer(endpoint, ask)
    return Response(completion.model_dump_json(), media_type="application/json")


async def _stream(endpoint: Endpoint, ask: Ask, include_usage: bool) -> StreamingResponse:
    """Raises what fails before the first piece, so that it has a status of its own."""
    if ask.at_once:
        chunks = await started(at_once(endpoint, ask, include_usage))
    else:
        chunks = pieces_of(await answer(endpoint, ask), include_usage)
    return StreamingResponse(events(chunks), media_type="text/event-stream", headers=STREAM_HEADERS)
