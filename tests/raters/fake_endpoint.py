"""A small HTTP server that answers like an OpenAI-compatible endpoint, or fails like one, as a test tells it to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One HTTP response."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


Script = Callable[[int, dict[str, Any]], Answer]
"""From the request's number and body to the response."""


def said(text: str, logprobs: dict[str, float] | None = None, refusal: str | None = None, finish: str = "stop") -> Answer:
    """A chat completion; `logprobs` are those of the first token's alternatives."""
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "refusal": refusal},
        "finish_reason": finish,
    }
    if logprobs is not None:
        near = [{"token": token, "logprob": value, "bytes": None} for token, value in logprobs.items()]
        choice["logprobs"] = {"content": [{"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": near}]}
    return Answer({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]})


def failed(status: int, message: str = "no", headers: dict[str, str] | None = None, **error: Any) -> Answer:
    """An error in OpenAI's form."""
    return Answer({"error": {"message": message, **error}}, status, headers or {})


@dataclass
class Endpoint:
    """A running server and what it saw."""

    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    at_once: int = 0
    """Most requests under way at a time."""

    @property
    def requests(self) -> int:
        return len(self.bodies)


@contextmanager
def endpoint(script: Script) -> Iterator[Endpoint]:
    """A server on a free port of the loopback, for the length of a `with`."""
    seen, lock, running = Endpoint(), threading.Lock(), [0]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = seen.requests
                seen.bodies.append(body)
                seen.headers.append({name.lower(): value for name, value in self.headers.items()})
                seen.times.append(time.monotonic())
                running[0] += 1
                seen.at_once = max(seen.at_once, running[0])
            answer = script(number, body)
            time.sleep(answer.delay)
            with lock:
                running[0] -= 1
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            plain = isinstance(answer.body, str)
            content = answer.body.encode() if plain else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "text/html" if plain else "application/json")
                self.send_header("Content-Length", str(len(content)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # the client has stopped waiting
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    seen.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
