"""What it means that an endpoint gave no reply: one question without a rating, or nothing to be had from it at all."""

import re
from dataclasses import dataclass
from typing import Any

from selfj.config import OutsideJudgeSettings
from selfj.errors import ModelError
from selfj.raters.options import EndpointOptions
from selfj.raters.replies import quoted

_NO_MODEL = frozenset({"model_not_found", "invalid_model", "model_not_available"})
_NO_CREDIT = frozenset({"insufficient_quota", "billing_not_active", "billing_hard_limit_reached"})
_PARAMETERS = frozenset({"temperature", "logprobs", "top_logprobs", "logprob_token_ids"})
"""Refused once is refused always. Not so max_tokens, which vLLM names where one question is too long."""
_TOO_LONG = re.compile(r"context.length|too long|too many tokens|input.tokens", re.IGNORECASE)


@dataclass(frozen=True)
class Failure:
    """Why one question has no reply."""

    reason: str
    of_question: bool = False
    """Whether it is this question that the endpoint would not have; others may fare better."""


def failure_of(problem: Any, settings: OutsideJudgeSettings, options: EndpointOptions, key: str) -> Failure:
    """What an exception of the client (`openai.APIError`) means for the question that met it.

    Raises ModelError if it would meet every other question too: the key, the model, the credit, or a parameter is refused. The
    key is taken out of whatever the endpoint says.
    """
    import openai

    said = quoted(_message(problem).replace(key, "***"))
    code, parameter = str(getattr(problem, "code", "") or ""), str(getattr(problem, "param", "") or "")
    where = f"{settings.name}: {settings.base_url}"
    if isinstance(problem, openai.AuthenticationError | openai.PermissionDeniedError):
        raise ModelError(f"{where} refuses access ({said}); check the key in {settings.api_key_variable or 'api_key_variable'}")
    if isinstance(problem, openai.NotFoundError) or code in _NO_MODEL:
        raise ModelError(f"{where} has no model {settings.model} ({said}); check model and base_url")
    if code in _NO_CREDIT:
        raise ModelError(f"{where}: no credit is left ({said}); replies so far are kept, run again later")
    if isinstance(problem, openai.BadRequestError | openai.UnprocessableEntityError):
        return _bad_request(where, code, parameter, said)
    status = getattr(problem, "status_code", None)
    kind = f"status {status}" if status else type(problem).__name__
    return Failure(f"no reply (at most {options.tries} tries): {kind}, {said}")


def _bad_request(where: str, code: str, parameter: str, said: str) -> Failure:
    if code == "content_filter":
        return Failure(f"refused: {said}", of_question=True)
    if code.startswith("unsupported") or parameter in _PARAMETERS:
        raise ModelError(f"{where} does not take the request ({said}); set options.parameters, null leaves a parameter out")
    return Failure(f"the endpoint does not take the question: {said}", of_question=bool(_TOO_LONG.search(f"{code} {said}")))


def _message(problem: Any) -> str:
    body = getattr(problem, "body", None)
    told = body.get("message") if isinstance(body, dict) else None
    return str(told or problem)
