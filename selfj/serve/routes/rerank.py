"""`POST /v1/rerank`: candidate answers of one instruction, best first. Cohere's v2, Jina's and vLLM's addresses are the same."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from selfj.rating import Question
from selfj.rewards.scale import HIGHEST
from selfj.serve.decide import Decision
from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.judging import Judged, check_count, check_texts, judge_all, promise_of, request_id_of
from selfj.serve.types.rerank import MetaTokens, Ranking, RerankMeta, RerankRequest, RerankResponse, RerankResult, Unscored

router = APIRouter()


@router.post("/v1/rerank", response_model=RerankResponse)
@router.post("/v2/rerank", response_model=RerankResponse)
@router.post("/rerank", response_model=RerankResponse)
async def rerank(body: RerankRequest, request: Request, endpoint: Annotated[Endpoint, Depends(endpoint_of)]) -> Response:
    """`query` is the instruction, `documents` are answers to it. What cannot be judged is listed in `unscored`, not ranked."""
    promise = promise_of(endpoint, body.model)
    check_count(endpoint, "documents", len(body.documents))
    named = [(f"documents.{place}", document.text) for place, document in enumerate(body.documents)]
    check_texts(endpoint, [("query", body.query), *named])
    questions = [Question(body.query, document.text) for document in body.documents]
    request_id = request_id_of(request)
    judged = await judge_all(endpoint, questions, promise, request_id)
    unscored = list(_unscored(judged.decisions))
    ranked = RerankResponse(
        id=f"rerank-{request_id}",
        model=f"{endpoint.name}@{promise.name}",
        results=_results(body, judged.decisions),
        unscored=unscored,
        meta=_meta(judged, unscored),
        usage=judged.usage,
    )
    return Response(ranked.model_dump_json(), media_type="application/json")


def _results(body: RerankRequest, decisions: Sequence[Decision]) -> list[RerankResult]:
    """The best first; of equal ones the first in the request."""
    rankings = [(place, ranking) for place, ranking in enumerate(map(_ranking, decisions)) if ranking is not None]
    best = sorted(rankings, key=lambda found: -found[1].score)[: body.top_n or None]
    shown = body.return_documents is not False
    return [
        RerankResult(
            index=place,
            relevance_score=ranking.score / HIGHEST,
            document=body.documents[place] if shown else None,
            selfj=ranking,
        )
        for place, ranking in best
    ]


def _ranking(decision: Decision) -> Ranking | None:
    if decision.score is None or decision.probabilities is None:
        return None
    return Ranking(
        score=decision.score,
        probabilities=decision.probabilities,
        threshold=decision.threshold,
        answered=decision.answered,
    )


def _unscored(decisions: Sequence[Decision]) -> Iterator[Unscored]:
    for place, decision in enumerate(decisions):
        if decision.score is None:
            yield Unscored(index=place, reason=decision.reason or "no score")


def _meta(judged: Judged, unscored: Sequence[Unscored]) -> RerankMeta:
    warnings = [f"documents.{answer.index} is not ranked: {answer.reason}" for answer in unscored]
    return RerankMeta(
        tokens=MetaTokens(input_tokens=judged.prompt_tokens), cached_tokens=judged.cached_tokens, warnings=warnings or None
    )
