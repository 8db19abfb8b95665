"""What stands before every route: request ids, body size, keys, time-outs, CORS."""

from fastapi import FastAPI

from selfj.serve.endpoint import Endpoint


def add_guards(app: FastAPI, endpoint: Endpoint) -> None:
    """Install the guards, outermost last."""
