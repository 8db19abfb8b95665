"""What stands before every route: request ids, CORS, keys, how many requests there are, body size, time-outs."""

from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from selfj.serve.endpoint import Endpoint
from selfj.serve.guard.admission import Admission, Places
from selfj.serve.guard.body import LimitBody
from selfj.serve.guard.deadline import Deadline
from selfj.serve.guard.headers import REQUEST_ID, SetHeaders
from selfj.serve.guard.keys import OPEN, RequireKey, read_keys
from selfj.serve.guard.loopback import LoopbackOnly

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST"],
    "allow_headers": ["Authorization", "Content-Type", REQUEST_ID],
    "expose_headers": [REQUEST_ID],
    "max_age": 600,
}


def add_guards(app: FastAPI, endpoint: Endpoint, places: Places) -> None:
    """Install the guards, innermost first; `places`: for the requests that they let in.

    Raises SettingsError if there is no API key, and the endpoint was not opened.
    """
    access, limits = endpoint.settings.access, endpoint.settings.limits
    keys = endpoint.keys or read_keys(access)
    app.add_middleware(Deadline, seconds=limits.request_s)
    app.add_middleware(LimitBody, limit=limits.body_bytes, seconds=limits.request_s)
    app.add_middleware(Admission, places=places, seconds=limits.request_s)
    if keys is None:
        app.add_middleware(LoopbackOnly)
    else:
        # The page says 401 itself, and asks for a key (routes/page.py).
        app.add_middleware(RequireKey, keys=keys, open_paths=(*OPEN, "/") if endpoint.settings.page else OPEN)
    if access.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=access.cors_origins, **CORS)
    app.add_middleware(SetHeaders)
