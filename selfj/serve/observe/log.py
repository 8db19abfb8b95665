"""The request log: one JSON line for each request, on standard output, without any text of users unless asked for."""

import datetime
import json
import logging
import sys
import traceback
from pathlib import Path
from typing import Any

LOGGER = logging.getLogger("selfj.requests")
_PACKAGE = str(Path(__file__).parents[2])


def open_log() -> None:
    """Send the log to standard output, unless somebody gave it a handler already."""
    if not LOGGER.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        LOGGER.addHandler(handler)
    LOGGER.propagate = False
    LOGGER.setLevel(logging.INFO)


def write_line(fields: dict[str, Any]) -> None:
    """Log one request; `fields` are JSON values with `status` among them."""
    level = logging.ERROR if fields["status"] >= 500 else logging.INFO
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    LOGGER.log(level, json.dumps({"time": time, "level": logging.getLevelName(level), **fields}, ensure_ascii=False))


def error_fields(problem: BaseException, texts: bool) -> dict[str, Any]:
    """An unexpected error: its kind and where it came from. Its message may quote users, and is logged with texts only."""
    frames = traceback.extract_tb(problem.__traceback__)
    ours = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    said = {"message": str(problem)} if texts else {}
    return {"error": {"type": type(problem).__name__, **said, "at": ours[-8:]}}


def _short(filename: str) -> str:
    return filename.replace(_PACKAGE, "selfj") if filename.startswith(_PACKAGE) else filename.rpartition("site-packages/")[2]
