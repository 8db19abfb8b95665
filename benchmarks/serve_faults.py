"""What the endpoint does when a replica is killed under load, and when more is asked than it can answer."""

import json
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psutil
from contenders import ServerContender, family, healthy, load_command, memory_mib
from load import LOST
from questions import asker, selfj_scores
from raw import Cell

TWO_REPLICAS = [f"--{name}_replicas.{limit}_replicas=2" for name in ("ingress", "policy", "judge") for limit in ("min", "max")]
CLIENTS = 8
TEXTS = 100
"""Different requests, asked again and again."""
BEFORE_S = 6.0
AFTER_S = 4.0
TWO_REPLICAS_S = 15.0
"""How long the load goes on after a kill that nobody should notice."""
LIMIT_S = 150.0
SAME = 0.05
"""Scores of one answer may differ by this much: other batches, other rounding."""
OVERLOAD, OVERLOAD_S = 5.0, 10.0
CAPACITY_CELL = Cell("judge", 32, 1, 5.0, 1.0, 0, 6_000)
REFUSED = ("429", "503")


@dataclass(frozen=True)
class Sent:
    """One request of the load and what came."""

    number: int
    sent: float
    seconds: float
    status: int
    body: str
    retry_after: str | None

    @property
    def answered(self) -> float:
        """When it was answered, on the clock of `time.time`."""
        return self.sent + self.seconds


def faults(server: ServerContender, replicas: int) -> dict[str, Any]:
    """Kill a replica of the judge, of the policy and of the ingress under load; `replicas`: how many of each there are."""
    kinds = {"judge": "judge", "policy": "chat", "ingress": "judge"}
    return {killed: _killed(server, killed, kind, replicas) for killed, kind in kinds.items()}


def _killed(server: ServerContender, killed: str, kind: str, replicas: int) -> dict[str, Any]:
    cell = Cell(kind, CLIENTS, 1, LIMIT_S, 0.0, 0, TEXTS)
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as replies:
        command = load_command(server.served, cell, "--again", f"--replies={replies.name}")
        load = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _wait_for_begin(load, BEFORE_S)
        at = _kill_one(server, killed)
        _wait_for_recovery(server.served.url, replicas)
        load.send_signal(signal.SIGTERM)
        load.wait()
        sent = [_sent(line) for line in replies]
    return _summary(server, kind, sent, at)


def _summary(server: ServerContender, kind: str, sent: Sequence[Sent], killed_at: float) -> dict[str, Any]:
    good = [one for one in sent if one.status == 200]
    statuses = Counter(str(one.status) for one in sent)
    allowed = [one for one in sent if one.status == 200 or (str(one.status) in REFUSED and one.retry_after)]
    wrong = _wrong_scores(server, good) if kind == "judge" else _wrong_chats(server, good)
    return {
        "requests": len(sent),
        "answered": len(good),
        "refused_with_retry_after": len(allowed) - len(good),
        "failed": len(sent) - len(allowed),
        "wrong": wrong,
        "statuses": dict(statuses),
        "recovery_s": _recovery(good, killed_at),
        "longest_gap_s": _longest_gap(good, killed_at),
    }


def _recovery(good: Sequence[Sent], killed_at: float) -> float | None:
    """From the kill to the first good answer to a request that was sent after it."""
    answers = [one.answered for one in good if one.sent > killed_at]
    return round(min(answers) - killed_at, 2) if answers else None


def _longest_gap(good: Sequence[Sent], killed_at: float) -> float:
    """Longest time without any good answer, from the kill on."""
    times = [killed_at, *sorted(one.answered for one in good if one.answered > killed_at)]
    return round(max((later - earlier for earlier, later in pairwise(times)), default=0.0), 2)


def _wrong_scores(server: ServerContender, good: Sequence[Sent]) -> int:
    """Answers whose score is not what the endpoint says of the same text at another time."""
    first: dict[int, float] = {}
    wrong = 0
    for one in good:
        (score,) = selfj_scores(one.body.encode())
        expected = first.setdefault(one.number, score if score is not None else -1.0)
        wrong += score is None or abs(score - expected) > SAME
    return wrong


def _wrong_chats(server: ServerContender, good: Sequence[Sent]) -> int:
    """Answers whose text is not there, or is not what the score beside it belongs to."""
    asked = asker("chat", server.served, 0, TEXTS, 1)
    wrong = sum(not asked.valid(one.number, one.body.encode()) for one in good)
    given = [(one, json.loads(one.body)["choices"][0]) for one in good]
    given = [(one, choice) for one, choice in given if choice["selfj"]["answered"]]
    items = [
        {"instruction": asked.questions[one.number].instruction, "response": choice["message"]["content"]}  # type: ignore[attr-defined]
        for one, choice in given
    ]
    scores = [score for start in range(0, len(items), 200) for score in _judged(server, items[start : start + 200])]
    claimed = [choice["selfj"]["score"] for _, choice in given]
    return wrong + sum(score is None or abs(score - claim) > SAME for score, claim in zip(scores, claimed, strict=True))


def _judged(server: ServerContender, items: list[dict[str, str]]) -> list[float | None]:
    import httpx

    response = httpx.post(f"{server.served.url}/v1/judge", json={"items": items}, timeout=120)
    response.raise_for_status()
    return selfj_scores(response.content)


def _sent(line: str) -> Sent:
    one = json.loads(line)
    return Sent(one["number"], one["sent"], one["seconds"], one["status"], one["body"], one["retry_after"])


def _wait_for_begin(load: "subprocess.Popen[Any]", seconds: float) -> None:
    """Wait until the load generator has its connections, and then so long."""
    process = psutil.Process(load.pid)
    while load.poll() is None and not process.net_connections("tcp"):
        time.sleep(0.2)
    time.sleep(seconds)


def _kill_one(server: ServerContender, killed: str) -> float:
    """End one replica of a deployment with SIGKILL; when that was."""
    names = (f"ServeReplica:selfj:{killed.capitalize()}", "ServeReplica:selfj:Engine")
    members = family(server.processes[0])
    for name in names:
        found = [member for member in members if name in " ".join(member.cmdline())]
        if found:
            at = time.time()
            found[0].kill()
            return at
    raise RuntimeError(f"no process of a {killed} replica among {[' '.join(member.cmdline())[:80] for member in members]}")


def _wait_for_recovery(url: str, replicas: int) -> None:
    """Until the endpoint is ready again, and a little longer."""
    if replicas > 1:
        time.sleep(TWO_REPLICAS_S)
        return
    _until(lambda: not healthy(url), 10.0)
    _until(lambda: healthy(url), LIMIT_S - BEFORE_S - 20)
    time.sleep(AFTER_S)


def _until(holds: Callable[[], bool], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and not holds():
        time.sleep(0.2)


def overload(server: ServerContender, capacity: float | None) -> dict[str, Any]:
    """Ask five times as much as can be answered (`capacity`: requests a second with 32 clients; None: measure it)."""
    capacity = capacity or server.measure(CAPACITY_CELL)["requests_per_second"]
    rate = OVERLOAD * capacity
    cell = Cell("judge", 0, 1, OVERLOAD_S, 0.0, 500_000, int(rate * OVERLOAD_S) + 100)
    before = memory_mib(server.processes)
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as replies:
        command = load_command(server.served, cell, f"--rate={rate}", f"--replies={replies.name}")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        sent = [_sent(line) for line in replies]
    good = [one for one in sent if one.status == 200]
    refused = [one for one in sent if str(one.status) in REFUSED]
    took = max(one.answered for one in sent) - min(one.sent for one in sent)
    time.sleep(2)
    after = server.measure(Cell("judge", 8, 1, 3.0, 0.5, 600_000, 3_000))
    return {
        "capacity_per_second": capacity,
        "offered_per_second": round(len(sent) / OVERLOAD_S, 1),
        "answered_per_second": round(len(good) / took, 1),
        "statuses": dict(Counter(str(one.status) for one in sent)),
        "lost": sum(one.status == LOST for one in sent),
        "refused": len(refused),
        "refused_without_retry_after": sum(one.retry_after is None for one in refused),
        "answered_p95_ms": round(1000 * sorted(one.seconds for one in good)[int(0.95 * len(good))], 1) if good else None,
        "memory_mib_before": round(before),
        "memory_mib_after": round(memory_mib(server.processes)),
        "afterwards": {name: after[name] for name in ("requests_per_second", "p95_ms", "statuses")},
    }
