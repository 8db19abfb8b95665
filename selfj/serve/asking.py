"""From a chat request to what the models are asked: defaults filled in, limits checked, and what departs from the calibration."""

from dataclasses import dataclass

from selfj.serve.conversation import instruction_of, messages_of
from selfj.serve.decide import Promise
from selfj.serve.endpoint import Endpoint
from selfj.serve.errors import ApiError
from selfj.serve.services import SampleCall
from selfj.serve.types.chat import ChatRequest, SelfJOptions


@dataclass(frozen=True)
class Drawing:
    """How the candidates of each answer are drawn."""

    most: int
    """Candidates of one answer."""
    stop_at: float | None
    """Score that ends the drawing; None draws all."""
    at_a_time: int
    """Candidates drawn between two looks at their scores."""


@dataclass(frozen=True)
class Ask:
    """A chat request, checked."""

    model: str
    """Name and promise in full."""
    promise: Promise
    call: SampleCall
    """With one seed for each answer: of its first candidate."""
    instruction: str
    """What the judge gets for the conversation."""
    drawing: Drawing
    candidates: bool
    """Whether the client wants to see all candidates."""
    departures: list[str]
    """Fields in which the request differs from how the calibration's answers were drawn."""

    @property
    def choices(self) -> int:
        """Answers asked for."""
        return len(self.call.seeds)

    @property
    def at_once(self) -> bool:
        """Whether an answer can be sent while it is made: nothing is declined, nothing is picked."""
        return self.promise.threshold is None and self.drawing.most == 1

    def seed(self, choice: int, number: int) -> int | None:
        """Seed of a candidate; no two of a request share one, and the first of the first answer has the request's."""
        first = self.call.seeds[choice]
        return None if first is None else _seed(first, number)


def ask_of(request: ChatRequest, endpoint: Endpoint, request_id: str) -> Ask:
    """What a request asks for.

    Raises UnknownModel, PromptRefused, and ApiError with status 422 for what is above a limit; all name the field.
    """
    promise = endpoint.promises.asked(request.model, endpoint.name)
    options = request.selfj or SelfJOptions()
    call = _call(request, options.best_of, endpoint, request_id)
    instruction = instruction_of(call.messages)
    drawing = _drawing(options, promise)
    _check(request, options, promise, call, instruction, endpoint)
    departures = _departures(call, drawing, endpoint)
    return Ask(f"{endpoint.name}@{promise.name}", promise, call, instruction, drawing, options.candidates, departures)


def _call(request: ChatRequest, best_of: int, endpoint: Endpoint, request_id: str) -> SampleCall:
    default = endpoint.sampling
    first = request.seed
    return SampleCall(
        messages=messages_of(request.messages),
        seeds=[None if first is None else _seed(first, choice * best_of) for choice in range(request.n or 1)],
        temperature=default.temperature if request.temperature is None else request.temperature,
        top_p=request.top_p or default.top_p,
        max_tokens=request.max_completion_tokens or request.max_tokens or default.max_tokens,
        stop=request.stop or [],
        request_id=request_id,
    )


def _seed(first: int, number: int) -> int:
    return (first + number) % 2**63


def _drawing(options: SelfJOptions, promise: Promise) -> Drawing:
    stop_at = promise.threshold if options.stop_at is None else options.stop_at
    return Drawing(options.best_of, stop_at if options.adaptive else None, options.at_a_time)


def _check(
    request: ChatRequest, options: SelfJOptions, promise: Promise, call: SampleCall, instruction: str, endpoint: Endpoint
) -> None:
    limits, both = endpoint.settings.limits, (request.max_tokens, request.max_completion_tokens)
    asked, asked_as = request.max_tokens or 0, "max_tokens"
    if request.max_completion_tokens:
        asked, asked_as = request.max_completion_tokens, "max_completion_tokens"
    least = promise.threshold or 0
    rules = [
        (len(call.seeds) <= limits.n, "n", f"at most {limits.n}"),
        (options.best_of <= limits.best_of, "selfj.best_of", f"at most {limits.best_of}"),
        (asked <= limits.max_tokens, asked_as, f"at most {limits.max_tokens}"),
        (None in both or both[0] == both[1], "max_tokens", "differs from max_completion_tokens, its new name; give one"),
        (len(instruction) <= limits.text_characters, "messages", f"at most {limits.text_characters} characters in all"),
        (options.best_of == 1 or call.temperature > 0, "selfj.best_of", "at temperature 0 all candidates are the same"),
        (options.stop_at is None or options.stop_at >= least, "selfj.stop_at", f"at least the promise's threshold, {least:g}"),
    ]
    for holds, field, message in rules:
        if not holds:
            raise ApiError(422, f"{field}: {message}", field=field)


def _departures(call: SampleCall, drawing: Drawing, endpoint: Endpoint) -> list[str]:
    calibrated = endpoint.sampling
    same = {
        "messages": len(call.messages) == 1,
        "temperature": call.temperature == calibrated.temperature,
        "top_p": call.top_p == calibrated.top_p,
        "max_tokens": call.max_tokens == calibrated.max_tokens,
        "stop": not call.stop,
        "selfj.best_of": drawing.most == 1,
    }
    return [field for field, holds in same.items() if not holds]
