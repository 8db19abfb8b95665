"""Thousands of malformed requests to an endpoint: what it says to them, and what they leave in its memory.

python benchmarks/serve.py --run runs/pocket --parts malformed
"""

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from contenders import ServerContender, memory_mib  # noqa: E402

from tests.serve.malformed import GOOD, Malformed, by_hand, of_wrong_types, problem_of  # noqa: E402
from tests.serve.schema_attacks import negative_requests  # noqa: E402

REQUESTS = 10_000
BY_SCHEMA = 500
"""Requests that schemathesis makes for each address."""
CLIENTS = 8


def malformed(server: ServerContender, requests: int = REQUESTS) -> dict[str, Any]:
    """Send them all; memory is read when a few hundred have been answered, and at the end."""
    with httpx.Client(base_url=server.served.url, timeout=60) as client:
        description = client.get("/openapi.json").json()
        found = _Found(client)
        found.ask(by_hand())
        before = memory_mib(server.processes)
        negative_requests(description, min(BY_SCHEMA, requests // 20), found.tell)
        found.ask(list(of_wrong_types(1, max(0, requests - found.total))))
        good = [client.post(path, json=body).status_code for path, body in GOOD.items()]
    return {
        "requests": found.total,
        "refused_with_field": found.total - len(found.problems),
        "server_errors": sum(count for status, count in found.statuses.items() if status >= 500),
        "statuses": {str(status): count for status, count in sorted(found.statuses.items())},
        "problems": found.problems[:10],
        "memory_mib_before": round(before),
        "memory_mib_after": round(memory_mib(server.processes)),
        "good_requests_afterwards": good,
    }


class _Found:
    """What an endpoint said."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.statuses: Counter[int] = Counter()
        self.problems: list[str] = []
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def ask(self, requests: Sequence[Malformed]) -> None:
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(self.tell, requests))

    def tell(self, request: Malformed) -> None:
        response = self.client.request(request.method, request.path, content=request.content, headers=request.headers)
        problem = problem_of(response.status_code, response.content)
        with self._lock:
            self.statuses[response.status_code] += 1
            self.problems += [f"{request.method} {request.path} {request.content[:200]!r}: {problem}"] if problem else []
