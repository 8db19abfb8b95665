"""Ten thousand requests that are wrong in many ways: every one is to be refused with its field named, and nothing is to grow."""

import copy
import json
import random
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from contenders import ServerContender, memory_mib  # noqa: E402
from load import Plan, Post, Reply, load  # noqa: E402

REQUESTS = 10_000
CLIENTS = 16
SEED = 4
VALID: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "pocket@always", "messages": [{"role": "user", "content": "Name three colours."}]},
    "/v1/judge": {"instruction": "Name three colours.", "responses": ["Red, green and blue."]},
    "/v1/rerank": {"query": "Name three colours.", "documents": ["Red, green and blue.", "One."]},
    "/get_reward": {"query": ["Name three colours. Red."], "prompts": ["Name three colours. "]},
}
MISSING = object()
NO_TEXT = (5, -1.5, True, {"text": "x"}, ["x", 5], "\ud800")
NO_COUNT = (0, -1, 1.5, "3", [1], {}, 10**30, float("nan"))
NO_SWITCH = (1, "yes", [], {"on": True})
NO_TEXTS = (5, True, {"0": "x"}, [5], [None], [["x"]])
WRONG: dict[str, dict[str, Sequence[Any]]] = {
    "/v1/chat/completions": {
        "model": (MISSING, None, "", "nobody", "pocket@quality=77", "pocket@", "x" * 400, *NO_TEXT),
        "messages": (
            MISSING,
            None,
            [],
            "Hello",
            {},
            [5],
            [{"role": "user"}, 5],
            [{"role": "king", "content": "x"}],
            [{"content": "x"}],
        ),
        "n": (*NO_COUNT, 1000),
        "max_tokens": (*NO_COUNT, 10**7),
        "temperature": (-0.1, 2.5, "hot", [], {}, float("inf"), float("nan")),
        "top_p": (0, -1, 1.1, "x", [], float("nan")),
        "seed": ("x", 1.5, [], 2**63, {}),
        "stop": (5, {}, [5], [""], ["a", "b", "c", "d", "e"]),
        "stream": NO_SWITCH,
        "logprobs": (True,),
        "tools": ([{"type": "function"}],),
        "selfj": (5, "x", [1], {"best_of": 0}, {"best_of": 10**6}, {"best_of": "8"}, {"unknown": 1}, {"stop_at": 12}),
    },
    "/v1/judge": {
        "model": ("", "nobody", "pocket@quality=77", *NO_TEXT),
        "instruction": (MISSING, None, "", "  \n", *NO_TEXT),
        "responses": (MISSING, None, "Red.", *NO_TEXTS, ["x"] * 2000),
        "response": ("both", *NO_TEXT),
        "reference": NO_TEXT,
        "items": ([5], "x", {}, [{"instruction": "x", "response": "y"}]),
    },
    "/v1/rerank": {
        "model": ("", "nobody", "pocket@quality=77", *NO_TEXT),
        "query": (MISSING, None, "", *NO_TEXT),
        "documents": (MISSING, None, [], 5, True, {}, [5], [None], [{}], ["x"] * 2000),
        "top_n": (-1, 1.5, "3", [1], 1e40),
        "return_documents": NO_SWITCH,
    },
    "/get_reward": {
        "query": (MISSING, None, *NO_TEXTS, ["one", "two"], ["x"] * 2000),
        "prompts": (MISSING, None, *NO_TEXTS, ["one", "two", "three"]),
    },
}
"""Values of a field that are refused, whatever else the request says."""


@dataclass(frozen=True)
class Bad:
    """A request that is wrong."""

    path: str
    body: bytes
    field: bool
    """Whether there is a field to name: the body is a JSON object."""


def bad_requests(number: int, name: str = "pocket") -> list[Bad]:
    """Requests with one wrong field to three, with unknown fields, and bodies that are no JSON object. `name`: of the model."""
    rng = random.Random(SEED)
    valid = json.loads(json.dumps(VALID).replace("pocket@", f"{name}@"))
    spoil: tuple[Callable[[random.Random, str, dict[str, Any]], Bad], ...] = (
        _wrong,
        _wrong,
        _wrong,
        _wrong,
        _unknown,
        _no_object,
    )
    requests = []
    for _ in range(number):
        path = rng.choice(list(valid))
        requests.append(rng.choice(spoil)(rng, path, copy.deepcopy(valid[path])))
    return requests


def _wrong(rng: random.Random, path: str, body: dict[str, Any]) -> Bad:
    fields = rng.sample(list(WRONG[path]), min(rng.choice((1, 1, 1, 2, 3)), len(WRONG[path])))
    for field in fields:
        value = rng.choice(WRONG[path][field])
        if value is MISSING:
            body.pop(field, None)
        else:
            body[field] = value
    return Bad(path, json.dumps(body).encode(), True)


def _unknown(rng: random.Random, path: str, body: dict[str, Any]) -> Bad:
    name = "".join(rng.choices(string.ascii_lowercase + "_$é", k=rng.randint(3, 30)))
    body["x" + name] = rng.choice((None, 1, "x", [], {"deep": [[[[{}]]]]}))
    return Bad(path, json.dumps(body).encode(), True)


def _no_object(rng: random.Random, path: str, body: dict[str, Any]) -> Bad:
    text = json.dumps(body).encode()
    choices = (
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"17",
        b"{",
        b"[" * 20_000,
        b'{"model": NaN',
        rng.randbytes(rng.randint(1, 400)),
        text[: rng.randint(1, len(text) - 1)],
        text.replace(b"Name", b"\xff\xfe"),
    )
    return Bad(path, rng.choice(choices), False)


class _Asker:
    def __init__(self, url: str, requests: Sequence[Bad]) -> None:
        self._url, self._requests = url, requests

    def __len__(self) -> int:
        return len(self._requests)

    async def ask(self, post: Post, number: int) -> Reply:
        return await post(self._url + self._requests[number].path, self._requests[number].body)

    def valid(self, number: int, body: bytes) -> bool:
        return False


def malformed(server: ServerContender, number: int = REQUESTS, name: str = "pocket") -> dict[str, Any]:
    """Send them, and count how each was refused."""
    requests = bad_requests(number, name)
    send(server.served.url, requests[:300])
    before, began = memory_mib(server.processes), time.monotonic()
    replies = send(server.served.url, requests)
    found = {
        **counts(requests, replies),
        "seconds": round(time.monotonic() - began, 1),
        "memory_mib_before": round(before),
        "memory_mib_after": round(memory_mib(server.processes)),
    }
    return found


def send(url: str, requests: Sequence[Bad]) -> list[Reply]:
    """The replies, in the order of the requests."""
    done = load(_Asker(url, requests), Plan(CLIENTS, seconds=3600, warm_up_s=0))
    return [one.reply for one in sorted(done.timed, key=lambda one: one.number)]


def counts(requests: Sequence[Bad], replies: Sequence[Reply]) -> dict[str, Any]:
    """How many were refused as they should be, and examples of those that were not."""
    refused = [400 <= reply.status < 500 for reply in replies]
    named = [_names_field(reply) for reply in replies]
    badly = [
        (bad, reply)
        for bad, reply, is_refused, is_named in zip(requests, replies, refused, named, strict=True)
        if not is_refused or (bad.field and not is_named)
    ]
    return {
        "requests": len(requests),
        "refused": sum(refused),
        "refused_with_field": sum(is_named and is_refused for is_named, is_refused in zip(named, refused, strict=True)),
        "without_a_field_to_name": sum(not bad.field for bad in requests),
        "server_errors": sum(reply.status >= 500 or reply.status == 0 for reply in replies),
        "statuses": dict(Counter(str(reply.status) for reply in replies)),
        "examples_not_refused_well": [
            f"{bad.path} {bad.body[:150].decode(errors='replace')} → {reply.status} {reply.body[:150].decode(errors='replace')}"
            for bad, reply in badly[:10]
        ],
    }


def _names_field(reply: Reply) -> bool:
    try:
        error = json.loads(reply.body)["error"]
        return bool(error["param"]) and str(error["param"]).split(".")[0] in error["message"]
    except (ValueError, LookupError, TypeError):
        return False
