"""What the endpoint's routes ask of the models, and how they are told that it could not be done.

Routes see these protocols only. In production they are Ray Serve deployments (selfj/serve/deployments.py), in tests plain
objects of the same process.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from selfj.errors import SelfJError
from selfj.rating import Question, Rating
from selfj.selfjudge.pairs import Pair, Verdict

Message = dict[str, str]
"""`role` (system, user, assistant) and `content`."""


@dataclass(frozen=True)
class SampleCall:
    """One conversation to answer, once or more often."""

    messages: list[Message]
    seeds: list[int | None]
    """One for each answer; None draws one."""
    temperature: float
    top_p: float
    max_tokens: int
    stop: list[str]
    request_id: str


@dataclass(frozen=True)
class PolicyAnswer:
    """One answer of the policy."""

    text: str
    tokens: int
    finish_reason: str
    """`stop` or `length`."""
    sum_logprob: float | None
    """Natural-log probability of the answer under the raw distribution."""


@dataclass(frozen=True)
class Sampled:
    """The answers to one call, in the order of its seeds."""

    answers: list[PolicyAnswer]
    prompt_tokens: int
    cached_tokens: int = 0
    """Prompt tokens that the prefix cache had."""


@dataclass(frozen=True)
class Delta:
    """A piece of an answer that is streamed."""

    index: int
    """Which of the call's answers."""
    text: str
    """What is new."""
    tokens: int
    """Tokens of the answer so far."""
    prompt_tokens: int
    finish_reason: str | None
    """Set in the last piece of an answer."""


@dataclass(frozen=True)
class Rated:
    """Ratings of one call, in the order of its questions."""

    ratings: list[Rating]
    prompt_tokens: int
    """Tokens of all judge prompts together."""
    cached_tokens: int = 0


@dataclass(frozen=True)
class Compared:
    """Verdicts of one call, in the order of its pairs."""

    verdicts: list[Verdict]
    prompt_tokens: int
    """Tokens of all prompts together."""
    cached_tokens: int = 0


class PolicyService(Protocol):
    """The model that answers. Methods raise ServiceError."""

    async def sample(self, call: SampleCall) -> Sampled:
        """All answers, when the last is finished. Raises PromptRefused if the prompt leaves no room for an answer."""
        ...

    def stream(self, call: SampleCall) -> AsyncIterator[Delta]:
        """Pieces as they come. Closing the iterator cancels the work."""
        ...

    async def ready(self) -> bool:
        """Whether it can answer now."""
        ...


class JudgeService(Protocol):
    """The model that judges. Methods raise ServiceError."""

    async def rate(self, questions: Sequence[Question], request_id: str) -> Rated:
        """One rating per question; one that cannot be made is null with a reason."""
        ...

    async def ready(self) -> bool:
        """Whether it can judge now."""
        ...


class PairJudgeService(Protocol):
    """The model that compares two answers. Methods raise ServiceError."""

    async def compare(self, pairs: Sequence[Pair], request_id: str) -> Compared:
        """One verdict per pair; one that cannot be made has a reason."""
        ...

    async def ready(self) -> bool:
        """Whether it can compare now."""
        ...


class ServiceError(SelfJError):
    """A model could not do what was asked, through no fault of the request."""

    status = 503
    retry_after_s: int | None = 1


class Overloaded(ServiceError):
    """Too many requests wait already."""


class Unavailable(ServiceError):
    """No replica of the model is there (starting, or replaced)."""

    retry_after_s = 2


class TimedOut(ServiceError):
    """The time limit of one request has passed."""

    status = 504
    retry_after_s = None


class PromptRefused(SelfJError):
    """The prompt cannot be answered as asked; the message names the field and says why."""

    def __init__(self, message: str, field: str = "messages") -> None:
        super().__init__(message)
        self.field = field
