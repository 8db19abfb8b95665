"""Requests that no endpoint should answer: each is wrong in one way, and what a response to it must be like."""

import json
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

CHAT, JUDGE, RERANK, REWARD = "/v1/chat/completions", "/v1/judge", "/v1/rerank", "/get_reward"
JSON = {"Content-Type": "application/json"}

GOOD: dict[str, dict[str, Any]] = {
    CHAT: {"model": "pocket@always", "messages": [{"role": "user", "content": "What is 1 + 1?"}]},
    JUDGE: {"instruction": "What is 1 + 1?", "response": "2"},
    RERANK: {"query": "What is 1 + 1?", "documents": ["2", "3"]},
    REWARD: {"query": ["What is 1 + 1?2"], "prompts": ["What is 1 + 1?"]},
}
"""A body of each address that is answered."""

_TEXT, _LIST, _NUMBER, _TRUTH, _OBJECT = str, list, (int, float), bool, dict
TYPES: dict[str, dict[str, tuple[Any, ...]]] = {
    CHAT: {
        "model": (_TEXT,),
        "messages": (_LIST,),
        "n": (_NUMBER,),
        "temperature": (_NUMBER,),
        "top_p": (_NUMBER,),
        "max_tokens": (_NUMBER,),
        "max_completion_tokens": (_NUMBER,),
        "seed": (_NUMBER,),
        "stop": (_TEXT, _LIST),
        "stream": (_TRUTH,),
        "stream_options": (_OBJECT,),
        "selfj": (_OBJECT,),
        "response_format": (_OBJECT,),
    },
    JUDGE: {"instruction": (_TEXT,), "response": (_TEXT,), "reference": (_TEXT,), "model": (_TEXT,), "items": (_LIST,)},
    RERANK: {"query": (_TEXT,), "documents": (_TEXT, _LIST), "model": (_TEXT,), "top_n": (_NUMBER,)},
    REWARD: {"query": (_TEXT, _LIST), "prompts": (_TEXT, _LIST)},
}
"""What a field may be; anything else is refused."""

VALUES: dict[str, list[tuple[str, Any]]] = {
    CHAT: [
        ("model", ""),
        ("model", "other"),
        ("model", "pocket@"),
        ("model", "pocket@quality=99"),
        ("model", "x" * 5_000),
        ("model", "\ud800"),
        ("messages", []),
        ("messages", [{}]),
        ("messages", [{"role": "robot", "content": "x"}]),
        ("messages", [{"role": "user"}]),
        ("messages", [{"role": "user", "content": " "}]),
        ("messages", [{"role": "user", "content": "\udfff"}]),
        ("messages", [{"role": "user", "content": "x" * 200_001}]),
        ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]}]),
        ("messages", [{"role": "assistant", "content": "x"}]),
        ("messages", [{"role": "user", "content": "x", "tool_calls": [{}]}]),
        *(("n", value) for value in (0, -1, 1.5, 9, 10**30)),
        *(("temperature", value) for value in (-0.1, 2.1, 1e308)),
        *(("top_p", value) for value in (0, -1, 1.01)),
        *(("max_tokens", value) for value in (0, -5, 0.5, 10**6)),
        *(("seed", value) for value in (1.5, 2**64, -(2**64))),
        *(("stop", value) for value in ([""], ["a"] * 5, [1])),
        *(("selfj", value) for value in ({"best_of": 0}, {"best_of": 33}, {"stop_at": 10}, {"bestof": 2}, {"pick": "best"})),
        *(("response_format", value) for value in ({"type": "json_object"}, {})),
        *((name, [{}]) for name in ("tools", "functions", "logit_bias", "audio")),
        ("frequency_penalty", 1),
        ("logprobs", True),
        ("no_such_field", 1),
        ("x" * 10_000, 1),
    ],
    JUDGE: [
        ("instruction", ""),
        ("instruction", "\ud800"),
        ("response", "x" * 200_001),
        ("response", None),
        ("responses", ["2"]),
        ("items", [{"instruction": "a", "response": "b"}]),
        ("model", "pocket@nothing"),
        ("messages", [{"role": "user", "content": "x"}]),
        ("no_such_field", {}),
    ],
    RERANK: [
        ("query", ""),
        ("documents", []),
        ("documents", ["x"] * 257),
        ("documents", [1]),
        ("documents", [{"title": "x"}]),
        ("documents", ["\ud800"]),
        ("top_n", -1),
        ("top_n", 1.5),
        ("instruction", "x"),
        ("no_such_field", []),
    ],
    REWARD: [
        ("query", [1]),
        ("query", ["a", "b"]),
        ("query", ["a"] * 257),
        ("prompts", []),
        ("prompts", [None]),
        ("query", ["\ud800"]),
        ("no_such_field", "x"),
    ],
}
"""Fields of the right type, or unknown ones, with values that are refused."""

_DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
BODIES = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"model": "\xc3\x28"}',
    b'{"model": "pocket@always", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    b'{"model": "pocket@always", "messages": [{"role": "user", "content": "x"}], "temperature": Infinity}',
    b'{"n": ' + b"9" * 5_000 + b"}",
    _DEEP,
    b"[" * 100_000,
    b"x" * 1_000_001,
)
"""Bodies that are refused at every address."""


@dataclass(frozen=True)
class Malformed:
    """A request that is wrong in one way."""

    method: str
    path: str
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: dict(JSON))


def by_hand() -> list[Malformed]:
    """The same few hundred at every call."""
    found = [Malformed("POST", path, body) for path in GOOD for body in BODIES]
    found += [_changed(path, name, value) for path, values in VALUES.items() for name, value in values]
    found += [
        Malformed("POST", path, _json({k: v for k, v in good.items() if k != name}))
        for path, good in GOOD.items()
        for name in good
    ]
    found += [Malformed("POST", path, _json(good), {"Content-Type": "text/plain"}) for path, good in GOOD.items()]
    found += [Malformed(method, path) for path in GOOD for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS")]
    found += [
        Malformed("GET", path) for path in ("/v1", "/v1/models/other", "/../../etc/passwd", "/%00", "/v1/models//", "/docs")
    ]
    found += [Malformed("POST", f"{path}/", _json(good)) for path, good in GOOD.items()]
    options = (
        "scale=wide",
        "missing=NaN",
        "missing=x",
        "model=other",
        "model=pocket@x",
        "template=none",
        "no_such_option=1",
        "scale=margin",
    )
    found += [Malformed("POST", f"{REWARD}?{option}", _json(GOOD[REWARD])) for option in options[:-1]]
    return found


def of_wrong_types(seed: int, number: int) -> Iterator[Malformed]:
    """Bodies with one field of a wrong type, and bodies cut off; the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(number):
        path = rng.choice(list(GOOD))
        if rng.random() < 0.2:
            whole = _json(GOOD[path])
            yield Malformed("POST", path, whole[: rng.randrange(1, len(whole))])
        else:
            name = rng.choice(list(TYPES[path]))
            yield _changed(path, name, _junk(rng, TYPES[path][name]))


def problem_of(status: int, body: bytes) -> str | None:
    """What is wrong with a response to a malformed request: no 4xx, no field named in its message, or the server's insides."""
    if not 400 <= status < 500:
        return f"status {status}"
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return f"no error object: {body[:200]!r}"
    if not error["param"] or error["param"] not in error["message"]:
        return f"no field named: {error}"
    if _INSIDES.search(error["message"]):
        return f"the server's insides: {error}"
    return f"message of {len(error['message'])} characters" if len(error["message"]) > 500 else None


_INSIDES = re.compile(
    r"Traceback|File \"|(?:^|[\s'\"(])/(?:work|tmp|root|home|usr|opt|srv)/|site-packages|\.py\b|0x[0-9a-f]{8}|Error\("
)


def _changed(path: str, name: str, value: Any) -> Malformed:
    return Malformed("POST", path, _json({**GOOD[path], name: value}))


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _junk(rng: random.Random, accepted: tuple[Any, ...]) -> Any:
    """A value of none of the accepted types."""
    word = "".join(rng.choices(string.printable, k=rng.randrange(1, 30)))
    number = rng.choice([rng.randrange(-(10**12), 10**12), rng.uniform(-1e6, 1e6)])
    values: dict[Any, Any] = {
        _TEXT: word,
        _NUMBER: number,
        _TRUTH: rng.random() < 0.5,
        _LIST: [rng.choice([word, number, None, [word]]) for _ in range(rng.randrange(1, 5))],
        _OBJECT: {word: number, "type": [word]},
    }
    return values[rng.choice([kind for kind in values if kind not in accepted])]
