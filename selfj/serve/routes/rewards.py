"""`POST /get_reward`: the judge as OpenRLHF's remote reward model.

--reward.remote_url "http://127.0.0.1:8000/get_reward?scale=unit&missing=0"
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from selfj.rating import Question
from selfj.rewards.scale import NEEDS_THRESHOLD, reward_of
from selfj.serve.decide import Decision
from selfj.serve.endpoint import Endpoint, endpoint_of
from selfj.serve.judging import check_count, check_texts, judge_all, promise_of, refuse, request_id_of
from selfj.serve.prompt_formats import Split, Unsplit, split
from selfj.serve.types.rewards import RewardLogs, RewardNote, RewardOptions, RewardRequest, RewardResponse

router = APIRouter()


@router.post("/get_reward", response_model=RewardResponse)
async def get_reward(
    body: RewardRequest,
    options: Annotated[RewardOptions, Query()],
    request: Request,
    endpoint: Annotated[Endpoint, Depends(endpoint_of)],
) -> Response:
    """A reward for each sample; null, or `missing`, where prompt and answer cannot be told apart or the judge gives no score."""
    promise = promise_of(endpoint, options.model)
    _check(endpoint, body, options, promise.threshold)
    own = endpoint.system_prompt
    splits = [_split(query, prompt, options, own) for query, prompt in zip(body.query, body.prompts, strict=True)]
    questions = [Question(found.instruction, found.response) for found in splits if isinstance(found, Split)]
    judged = await judge_all(endpoint, questions, promise, request_id_of(request))
    notes = list(_notes(splits, judged.decisions, promise.threshold))
    return Response(_response(notes, options).model_dump_json(), media_type="application/json")


def _check(endpoint: Endpoint, body: RewardRequest, options: RewardOptions, threshold: float | None) -> None:
    check_count(endpoint, "query", len(body.query))
    if len(body.prompts) != len(body.query):
        refuse("prompts", f"{len(body.prompts)} for {len(body.query)} queries; give one for each")
    check_texts(endpoint, [(f"query.{place}", text) for place, text in enumerate(body.query)])
    if threshold is None and options.scale in NEEDS_THRESHOLD:
        refuse("scale", f"{options.scale} needs a threshold; name a model with a promise, not one that always answers")


def _split(query: str, prompt: str, options: RewardOptions, system_prompt: str) -> Split | str:
    try:
        return split(query, prompt, options.template, options.end, system_prompt)
    except Unsplit as problem:
        return str(problem)


def _notes(splits: Sequence[Split | str], decisions: Sequence[Decision], threshold: float | None) -> Iterator[RewardNote]:
    made = iter(decisions)
    for found in splits:
        if isinstance(found, str):
            yield RewardNote(score=None, threshold=threshold, answered=False, reason=found, format=None)
        else:
            decision = next(made)
            answered = decision.answered and decision.score is not None
            yield RewardNote(
                score=decision.score, threshold=threshold, answered=answered, reason=decision.reason, format=found.format
            )


def _response(notes: Sequence[RewardNote], options: RewardOptions) -> RewardResponse:
    rewards = [options.missing if note.score is None else reward_of(note.score, note.threshold, options.scale) for note in notes]
    logs = RewardLogs(judged=[float(note.score is not None) for note in notes], answered=[float(note.answered) for note in notes])
    return RewardResponse(rewards=rewards, scores=rewards, extra_logs=logs, selfj=list(notes))
