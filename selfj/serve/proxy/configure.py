"""HAProxy with our own errors, and a bound on what it passes on: Ray Serve writes its settings, this changes them.

Ray Serve (2.60) starts whatever RAY_SERVE_HAPROXY_BINARY_PATH names: the script `haproxy` beside this file, which runs this with
the standard library alone. HAProxy refuses a request in some 20 µs, an ingress in twenty times as much, on the cores that the
engines need.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

BINARY = "SELFJ_HAPROXY"
"""Environment variable: HAProxy itself; without, the one in the path."""
MOST = "SELFJ_MOST_REQUESTS"
"""Environment variable: requests that are passed on to the ingress at the same time; without, no bound."""
PYTHON = "SELFJ_PYTHON"
"""Environment variable: the interpreter that runs this; without, `python3` in the path."""
RETRY_AFTER_S = 1
MARK = "# changed by selfj"
REFUSED = (
    503,
    "Service Unavailable",
    "the endpoint cannot take more requests now, or is being started; try again",
    "overloaded_error",
)
ERRORS = {502: REFUSED, 503: REFUSED, 504: REFUSED}
"""HAProxy's own errors, and what clients get for them: status, reason, message, kind. Whatever becomes of an ingress (502, 504),
to ask again is right. Its answer to what is no HTTP (400) cannot be changed.
"""
BOUND = """    acl asks_for_health path /health /health/live
    http-request deny deny_status 503 if !asks_for_health {{ be_conn gt {most} }}"""
DIRECT = "    http-request set-header x-request-disconnect-disabled ?1"
"""The application watches its clients itself (guard/deadline.py); Ray Serve need not do it too, with two tasks a request."""

OURS = "    http-response deny deny_status 503 if { status ge 400 } { res.hdr(content-type) -m beg text/plain }"
"""Errors in plain text are Ray Serve's, whose proxy stands in while an ingress starts or stops: "404, Path not found" …"""


def main() -> None:
    """Become HAProxy, with the settings changed that `-f` names."""
    arguments, most = sys.argv[1:], os.environ.get(MOST)
    if "-f" in arguments:
        rewrite(Path(arguments[arguments.index("-f") + 1]), int(most) if most else None)
    binary = os.environ.get(BINARY, "haproxy")
    os.execvp(binary, [binary, *arguments])


def rewrite(file: Path, most: int | None) -> None:
    """Change Ray Serve's settings in their file; the errors' files lie beside it."""
    errors = {status: file.with_name(f"selfj-{status}.http") for status in ERRORS}
    for status, path in errors.items():
        path.write_bytes(error_file(*ERRORS[status]))
    file.write_text(configured(file.read_text(), errors, most))


def configured(settings: str, errors: Mapping[int, Path], most: int | None) -> str:
    """Ray Serve's settings with ours; what is changed already stays as it is."""
    if MARK in settings:
        return settings
    files = "\n".join(f"    errorfile {status} {path}" for status, path in errors.items())
    added = "\n".join([DIRECT, OURS, *([BOUND.format(most=most)] if most else [])])
    changes = [
        (r"^ *errorfile .*\n", ""),
        (r"^defaults$", f"defaults\n    {MARK}\n{files}"),
        (r"^    http-reuse always$", f"    http-reuse always\n{added}"),
        # Before there is an application: not "404, nothing is served there".
        (r"^    http-request return status 404 .*$", "    http-request deny deny_status 503"),
    ]
    for pattern, replacement in changes:
        settings = re.sub(pattern, replacement.replace("\\", r"\\"), settings, flags=re.MULTILINE)
    return settings


def error_file(status: int, reason: str, message: str, kind: str) -> bytes:
    """A whole response with OpenAI's error object, as HAProxy sends it."""
    body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": status}})
    headers = [
        f"HTTP/1.1 {status} {reason}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Retry-After: {RETRY_AFTER_S}",
    ]
    return "\r\n".join([*headers, "", body]).encode()


if __name__ == "__main__":
    main()
