"""Errors as clients see them: OpenAI's error object, the field named, nothing of the server's insides.

{"error": {"message": "n: at most 8", "type": "invalid_request_error", "param": "n", "code": "value_error"}}
"""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from selfj.serve.decide import UnknownModel
from selfj.serve.services import PromptRefused, ServiceError


class ApiError(Exception):
    """An error to be sent as it is; `field` names what in the request it is about."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.kind, self.field = status, message, kind, field


def error_response(
    status: int, message: str, kind: str, field: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The error object as a response."""
    body = {"error": {"message": message, "type": kind, "param": field, "code": status}}
    return JSONResponse(body, status_code=status, headers=headers)


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
    field = ".".join(str(part) for part in first["loc"] if part != "body") or "body"
    return error_response(422, f"{field}: {first['msg']}", "invalid_request_error", field)


async def _http(_: Request, problem: HTTPException) -> JSONResponse:
    headers = dict(problem.headers) if problem.headers else None
    return error_response(problem.status_code, str(problem.detail), "invalid_request_error", headers=headers)


async def _unexpected(_: Request, __: Exception) -> JSONResponse:
    return error_response(500, "the server failed; its log says why", "server_error")
