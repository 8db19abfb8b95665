"""`POST /v1/judge`: what the judge says of answers, and whether a promise would give them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from selfj.rating import Question
from selfj.serve.conversation import instruction_of, without_own
from selfj.serve.decide import Decision
from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.judging import check_count, check_texts, judge_all, promise_of, refuse, request_id_of
from selfj.serve.types.judge import JudgeItem, Judgement, JudgeRequest, JudgeResponse

router = APIRouter()


@router.post("/v1/judge", response_model=JudgeResponse)
async def judge(body: JudgeRequest, request: Request, endpoint: Annotated[Endpoint, Depends(endpoint_of)]) -> Response:
    """Score 0 to 9, ten probabilities and a decision for each answer, or null with a reason."""
    promise = promise_of(endpoint, body.model)
    _check(body)
    questions = [question for name, asked in body.named() for question in _questions(endpoint, name, asked)]
    check_count(endpoint, "responses" if body.items is None else "items", len(questions))
    request_id = request_id_of(request)
    judged = await judge_all(endpoint, questions, promise, request_id)
    judgements = JudgeResponse(
        id=f"judge-{request_id}",
        model=f"{endpoint.name}@{promise.name}",
        results=[
            _judgement(index, question, decision)
            for index, (question, decision) in enumerate(zip(questions, judged.decisions, strict=True))
        ],
        usage=judged.usage,
    )
    return Response(judgements.model_dump_json(), media_type="application/json")


def _check(body: JudgeRequest) -> None:
    for name, asked in [("", body), *body.named()]:
        problem = asked.problem()
        if problem:
            refuse(name + problem[0], problem[1])


def _questions(endpoint: Endpoint, name: str, asked: JudgeItem) -> list[Question]:
    turns = asked.turns()
    instruction = asked.instruction or instruction_of(without_own(turns or [], endpoint.system_prompt))
    source = "instruction" if turns is None else "messages"
    check_texts(endpoint, [(name + source, instruction), (f"{name}reference", asked.reference)])
    check_texts(endpoint, [(name + field, text) for field, text in asked.answers()])
    return [Question(instruction, text, asked.reference) for _, text in asked.answers()]


def _judgement(index: int, question: Question, decision: Decision) -> Judgement:
    decided = question.reference is None
    return Judgement(
        index=index,
        score=decision.score,
        probabilities=decision.probabilities,
        threshold=decision.threshold if decided else None,
        answered=decision.answered if decided else None,
        reason=decision.reason,
    )
