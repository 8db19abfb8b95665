"""Clients that load a server, in a process of their own: N that each send their next request when the last is answered, or a
fixed number of requests a second whatever the answers do.

python benchmarks/load.py judge --server selfj --url http://127.0.0.1:8000 --run runs/pocket --clients 32 --answers 16

Bodies are made before the clock starts and answers read after it stops. What a run of it returns is `Load.summary()`.
"""

import argparse
import asyncio
import json
import math
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import numpy as np
import uvloop

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

Post = Callable[[str, bytes], Awaitable["Reply"]]
LOST = 0
"""Status of a request whose connection failed."""
TURNED_AWAY = (LOST, 429, 503)
PAUSE_S, LONGEST_PAUSE_S = 0.2, 1.0
"""What a client waits after it was turned away, where it is not told, and at the most."""


@dataclass
class Reply:
    """What came back for one request."""

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass
class Timed:
    """One request of a client, with times in seconds on the clock of `time.time`."""

    number: int
    sent: float
    seconds: float
    reply: Reply


class Asker(Protocol):
    """Requests of one kind to one server."""

    async def ask(self, post: Post, number: int) -> Reply:
        """Send request `number`, in as many steps as it takes; the last reply, or the first that failed."""
        ...

    def valid(self, number: int, body: bytes) -> bool:
        """Whether a reply with status 200 is a whole answer to request `number`."""
        ...

    def __len__(self) -> int:
        """How many requests there are."""
        ...


@dataclass
class Plan:
    """How to load a server."""

    clients: int = 32
    seconds: float = 8.0
    warm_up_s: float = 1.5
    """At the beginning; what is sent then does not count."""
    rate: float | None = None
    """Requests a second instead of clients that wait for their answers."""
    headers: dict[str, str] = field(default_factory=dict)
    limit_s: float = 120.0
    """A request without an answer after this is lost."""
    again: bool = False
    """Begin anew with the first request after the last."""


class Load:
    """The clients' run and what it saw."""

    def __init__(self, asker: Asker, plan: Plan) -> None:
        self._asker, self._plan = asker, plan
        self._next = 0
        self._stopped = math.inf
        self.timed: list[Timed] = []
        self.began = self.ended = 0.0
        self.cpu_s = 0.0

    async def run(self) -> None:
        """Load the server until the time is over, there are no more requests, or SIGTERM."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        timeout = aiohttp.ClientTimeout(total=self._plan.limit_s)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        headers = {"Content-Type": "application/json", **self._plan.headers}
        async with aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers) as session:
            self._session = session
            cpu, self.began = time.process_time(), time.time()
            await (self._at_a_rate() if self._plan.rate else self._with_clients())
            self.ended, self.cpu_s = time.time(), time.process_time() - cpu

    async def _with_clients(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._plan.clients)))

    async def _client(self) -> None:
        while time.time() < self._over and (number := self._take()) is not None:
            reply = await self._one(number)
            if reply.status in TURNED_AWAY:
                await asyncio.sleep(min(float(reply.retry_after or PAUSE_S), LONGEST_PAUSE_S))

    async def _at_a_rate(self) -> None:
        tasks, now = [], self.began
        while now < self._over:
            await asyncio.sleep(0.005)
            now = min(time.time(), self._over)
            due = round((now - self.began) * (self._plan.rate or 0)) - len(tasks)
            numbers = [number for _ in range(due) if (number := self._take()) is not None]
            tasks += [asyncio.create_task(self._one(number)) for number in numbers]
        await asyncio.gather(*tasks)

    @property
    def _over(self) -> float:
        return min(self.began + self._plan.warm_up_s + self._plan.seconds, self._stopped)

    def _stop(self) -> None:
        self._stopped = time.time()

    def _take(self) -> int | None:
        self._next += 1
        if self._plan.again:
            return (self._next - 1) % len(self._asker)
        return self._next - 1 if self._next <= len(self._asker) else None

    async def _one(self, number: int) -> Reply:
        sent, clock = time.time(), time.perf_counter()
        reply = await self._asker.ask(self._post, number)
        self.timed.append(Timed(number, sent, time.perf_counter() - clock, reply))
        return reply

    async def _post(self, url: str, body: bytes) -> Reply:
        try:
            async with self._session.post(url, data=body) as response:
                return Reply(response.status, await response.read(), response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as problem:
            return Reply(LOST, repr(problem).encode())

    def summary(self) -> dict[str, Any]:
        """Rate and latencies of the good answers that came in the counted time, and what else came."""
        start, end = self.began + self._plan.warm_up_s, min(self._over, self.ended)
        counted = [one for one in self.timed if start <= one.sent + one.seconds <= end]
        good = [one for one in counted if one.reply.status == 200]
        milliseconds = 1000 * np.array([one.seconds for one in good]) if good else np.full(1, np.nan)
        p50, p95, p99 = (round(float(value), 2) for value in np.percentile(milliseconds, (50, 95, 99)))
        return {
            "requests": len(counted),
            "requests_per_second": round(len(good) / (end - start), 2),
            "p50_ms": p50,
            "p95_ms": p95,
            "p99_ms": p99,
            "statuses": dict(Counter(str(one.reply.status) for one in self.timed)),
            "invalid": sum(one.reply.status == 200 and not self._asker.valid(one.number, one.reply.body) for one in self.timed),
            "client_cpu_share": round(self.cpu_s / (self.ended - self.began), 3),
            "ran_out": not self._plan.again and self._next > len(self._asker),
        }


def load(asker: Asker, plan: Plan) -> Load:
    """Run the clients to their end in this process."""
    done = Load(asker, plan)
    uvloop.run(done.run())
    return done


def main() -> None:
    """Command line: one load, its summary as JSON on standard output."""
    from questions import KINDS, SERVERS, Served, asker

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--server", choices=SERVERS, default="selfj")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the endpoint (vllm: its judge) listens")
    parser.add_argument("--policy-url", default="", help="vllm: where its policy listens")
    parser.add_argument("--run", default="runs/pocket", help="the run folder that is served")
    parser.add_argument("--model", default="", help="model name, with a promise if wanted; by default the policy's in the run")
    parser.add_argument("--key", default="", help="API key")
    parser.add_argument("--answers", type=int, default=1, help="answers to one instruction in one request")
    parser.add_argument("--first", type=int, default=0, help="number of the first instruction")
    parser.add_argument("--requests", type=int, default=20_000, help="most requests to make")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rate", type=float, help="requests a second, instead of clients")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--warm-up", type=float, default=1.5)
    parser.add_argument("--again", action="store_true", help="begin anew with the first request after the last")
    parser.add_argument("--replies", help="write every request's time, status and body to this JSON-lines file")
    given = parser.parse_args()
    headers = {"Authorization": f"Bearer {given.key}"} if given.key else {}
    plan = Plan(given.clients, given.seconds, given.warm_up, given.rate, headers, again=given.again)
    served = Served(given.server, given.url, given.run, given.model, given.policy_url or given.url)
    done = load(asker(given.kind, served, given.first, given.requests, given.answers), plan)
    if given.replies:
        write_replies(done, given.replies)
    print(json.dumps(done.summary()))


def write_replies(done: Load, path: str) -> None:
    """Every request as a line of JSON."""
    with open(path, "w") as file:
        for one in done.timed:
            reply = {**asdict(one.reply), "body": one.reply.body.decode(errors="replace")}
            file.write(json.dumps({"number": one.number, "sent": one.sent, "seconds": one.seconds, **reply}) + "\n")


if __name__ == "__main__":
    main()
