"""Requests that schemathesis makes from the OpenAPI description so that they break it."""

import json
import math
import warnings
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.serve.malformed import GOOD, Malformed

Send = Callable[[Malformed], Any]


def negative_requests(description: dict[str, Any], each: int, send: Send) -> list[tuple[Malformed, Any]]:
    """`each` requests to every address that takes a body, and what `send` said to them.

    `description`: the application's OpenAPI document.
    """
    import schemathesis

    schema = schemathesis.openapi.from_dict(description)
    found: list[tuple[Malformed, Any]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in GOOD:
            _ask(schema[path]["POST"], path, each, lambda request: found.append((request, send(request))))
    return found


def _ask(operation: Any, path: str, each: int, tell: Send) -> None:
    from schemathesis import GenerationMode

    @seed(1)
    @settings(max_examples=each, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        if case.query and any(map(_cannot_be_said, case.query.values())):
            return  # it would be a request like any other
        asked = f"{path}?{urlencode(case.query, doseq=True)}" if case.query else path
        tell(Malformed("POST", asked, json.dumps(case.body, default=str).encode()))

    ask()


def _cannot_be_said(value: Any) -> bool:
    """Whether an address has no way to say it: an empty list, an empty object, a number that is a text."""
    try:
        return value in ([], {}) or (isinstance(value, str) and math.isfinite(float(value)))
    except (TypeError, ValueError):
        return False
