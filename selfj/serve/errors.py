"""Errors as clients see them: OpenAI's error object, the field named, nothing of the server's insides.

{"error": {"message": "n: at most 8", "type": "invalid_request_error", "param": "n", "code": 422}}
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from selfj.serve.decide import UnknownModel
from selfj.serve.services import PromptRefused, ServiceError

LONGEST_MESSAGE = 500
LONGEST_FIELD = 100
"""Characters; names and values in them may be the client's."""
_HTTP_ERRORS = {
    400: ("body", "cannot be read; send JSON in UTF-8"),
    404: ("path", "nothing is served there"),
    405: ("method", "not allowed at this path"),
}
"""Field and message for the framework's own errors."""


class ApiError(Exception):
    """An error to be sent as it is; `field` names what in the request it is about."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.field = status, message, kind, field


def error_response(
    status: int, message: str, kind: str, field: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The error object as a response."""
    return JSONResponse(error_body(status, message, kind, field), status_code=status, headers=headers)


def error_body(status: int, message: str, kind: str, field: str | None = None) -> dict[str, Any]:
    """The error object. What it repeats of the request is cut, and can always be written as UTF-8."""
    named = None if field is None else _shown(field, LONGEST_FIELD)
    return {"error": {"message": _shown(message, LONGEST_MESSAGE), "type": kind, "param": named, "code": status}}


def _shown(text: str, longest: int) -> str:
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return cut.encode("utf-8", "replace").decode()


def add_error_handlers(app: FastAPI) -> None:
    """Give every error of a route the form above."""
    app.add_exception_handler(ApiError, _api_error)  # type: ignore[arg-type]
    app.add_exception_handler(ServiceError, _service_error)  # type: ignore[arg-type]
    app.add_exception_handler(UnknownModel, _unknown_model)
    app.add_exception_handler(PromptRefused, _prompt_refused)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _http)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, _unexpected)


async def _api_error(_: Request, problem: ApiError) -> JSONResponse:
    return error_response(problem.status, problem.message, problem.kind, problem.field)


async def _service_error(_: Request, problem: ServiceError) -> JSONResponse:
    return service_error_response(problem)


def service_error_response(problem: ServiceError) -> JSONResponse:
    """The error object of a model that could not do it, with the time after which to try again."""
    wait = None if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    kind = "timeout_error" if problem.status == 504 else "overloaded_error"
    return error_response(problem.status, str(problem), kind, headers=wait)


async def _unknown_model(_: Request, problem: Exception) -> JSONResponse:
    return error_response(404, str(problem), "invalid_request_error", "model")


async def _prompt_refused(_: Request, problem: PromptRefused) -> JSONResponse:
    return error_response(422, str(problem), "invalid_request_error", problem.field)


async def _invalid(_: Request, problem: RequestValidationError) -> JSONResponse:
    first = problem.errors()[0]
    place = [] if first["type"] == "json_invalid" else first["loc"][1:]
    field = _shown(".".join(map(str, place)), LONGEST_FIELD) or "body"
    return error_response(422, f"{field}: {_said(first)}", "invalid_request_error", field)


def _said(first: dict[str, Any]) -> str:
    reason = first.get("ctx", {}).get("error") if first["type"] == "json_invalid" else None
    return f"not JSON ({reason})" if reason else str(first["msg"])


async def _http(_: Request, problem: HTTPException) -> JSONResponse:
    headers = dict(problem.headers) if problem.headers else None
    own = problem.detail not in (HTTPStatus(problem.status_code).phrase, "There was an error parsing the body")
    field, message = (None, str(problem.detail)) if own else _HTTP_ERRORS.get(problem.status_code, (None, str(problem.detail)))
    said = message if field is None else f"{field}: {message}"
    return error_response(problem.status_code, said, "invalid_request_error", field, headers)


async def _unexpected(request: Request, _: Exception) -> JSONResponse:
    from selfj.serve.guard.headers import add_headers

    request_id = getattr(request.state, "request_id", "-")
    response = error_response(500, f"the server failed at request {request_id}; its log says why", "server_error")
    add_headers(response.headers, request_id)  # guards are not around this handler
    return response
