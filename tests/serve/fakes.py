"""A policy and a judge of the same process, so that routes are tested without models."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from selfj.config import SampleSettings
from selfj.rating import Question, Rating
from selfj.selfjudge.pairs import Pair, Verdict
from selfj.serve.app import create_app
from selfj.serve.decide import Promise, Promises
from selfj.serve.endpoint import Endpoint
from selfj.serve.observe.metrics import NoMetrics
from selfj.serve.services import Compared, Delta, PolicyAnswer, Rated, SampleCall, Sampled, ServiceError
from selfj.serve.settings import ServeSettings

CURVE = [
    {"threshold": float(k), "coverage": 1 - k / 10, "quality": 0.5 + k / 20, "quality_low": 0.45 + k / 20} for k in range(10)
]
THRESHOLDS = {
    "coverage=0.8": {"threshold": 2.0, "kind": "coverage", "target": 0.8, "confidence": 0.95, "on": "gold: exact grades"},
    "quality=0.7": {"threshold": 5.0, "kind": "quality", "target": 0.7, "confidence": 0.95, "on": "gold: exact grades"},
}


@dataclass
class FakePolicy:
    """Answers with `answers`, one after the other and from the start again; a token is a word."""

    answers: list[str] = field(default_factory=lambda: ["an answer"])
    problem: ServiceError | None = None
    delay_s: float = 0
    calls: list[SampleCall] = field(default_factory=list)
    cancelled: int = 0

    def _next(self, call: SampleCall) -> list[str]:
        drawn = sum(len(earlier.seeds) for earlier in self.calls)
        self.calls.append(call)
        if self.problem:
            raise self.problem
        return [self.answers[(drawn + index) % len(self.answers)] for index in range(len(call.seeds))]

    async def sample(self, call: SampleCall) -> Sampled:
        texts = self._next(call)
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        answers = [PolicyAnswer(text, len(text.split()), "stop", -float(len(text.split()))) for text in texts]
        return Sampled(answers, prompt_tokens=7, cached_tokens=3)

    async def stream(self, call: SampleCall) -> AsyncIterator[Delta]:
        finished = False
        try:
            for index, text in enumerate(self._next(call)):
                words = text.split(" ")
                for number, word in enumerate(words):
                    await asyncio.sleep(self.delay_s)
                    last = number == len(words) - 1
                    piece = word if number == 0 else f" {word}"
                    yield Delta(index, piece, number + 1, 7, "stop" if last else None)
            finished = True
        finally:
            self.cancelled += not finished

    async def ready(self) -> bool:
        return self.problem is None


def rating(score: float | None) -> Rating:
    """A rating whose expected value is `score`, or null with a reason."""
    if score is None:
        return Rating(None, None, None, "instruction alone takes 900 of 512 tokens")
    low = min(int(score), 8)
    probabilities = [0.0] * 10
    probabilities[low], probabilities[low + 1] = 1 - (score - low), score - low
    return Rating(score, probabilities, 0.99, None)


@dataclass
class FakeJudge:
    """Rates by `scores` of the response's text; `default` for others."""

    scores: dict[str, float | None] = field(default_factory=dict)
    default: float | None = 6.0
    problem: ServiceError | None = None
    asked: list[Question] = field(default_factory=list)

    async def rate(self, questions: Sequence[Question], request_id: str) -> Rated:
        self.asked += questions
        if self.problem:
            raise self.problem
        ratings = [rating(self.scores.get(question.response, self.default)) for question in questions]
        return Rated(ratings, prompt_tokens=10 * len(questions), cached_tokens=4 * len(questions))

    async def ready(self) -> bool:
        return self.problem is None


@dataclass
class FakePairJudge:
    """Prefers the answer that stands first in `order`; cannot judge what is not there."""

    order: list[str] = field(default_factory=list)
    problem: ServiceError | None = None
    calls: list[list[Pair]] = field(default_factory=list)

    async def compare(self, pairs: Sequence[Pair], request_id: str) -> Compared:
        self.calls.append(list(pairs))
        if self.problem:
            raise self.problem
        return Compared([self._verdict(pair) for pair in pairs], prompt_tokens=20 * len(pairs), cached_tokens=8 * len(pairs))

    def _verdict(self, pair: Pair) -> Verdict:
        if not {pair.a, pair.b} <= set(self.order):
            return Verdict(None, None, None, reason="too long")
        return Verdict("a" if self.order.index(pair.a) <= self.order.index(pair.b) else "b", 0.5, 0.5, flips=False)

    async def ready(self) -> bool:
        return self.problem is None


def fake_endpoint(
    policy: FakePolicy | None = None,
    judge: FakeJudge | None = None,
    change: Callable[[ServeSettings], None] = lambda _: None,
    comparing: FakePairJudge | None = None,
) -> Endpoint:
    """An endpoint `pocket` with the promises above, open unless `change` says otherwise."""
    settings = ServeSettings(run="runs/none")
    settings.access.open = True
    change(settings)
    known = {name: Promise(name, card["threshold"], card) for name, card in THRESHOLDS.items()}
    known["always"] = Promise("always", None, {})
    promises = Promises(known, known["quality=0.7"], {"on": "gold: exact grades", "curve": CURVE})
    return Endpoint(
        settings,
        "pocket",
        policy or FakePolicy(),
        judge or FakeJudge(),
        promises,
        SampleSettings(max_tokens=64),
        512,
        NoMetrics(),
        comparing=comparing,
    )


def fake_app(*arguments, **named):
    """The application around `fake_endpoint(...)`: for httpx.ASGITransport or starlette's TestClient."""
    return create_app(fake_endpoint(*arguments, **named))
