"""From a chat request to what the models are asked: defaults filled in, limits checked, and what departs from the calibration."""

from dataclasses import dataclass

from selfj.serve.conversation import instruction_of, messages_of, without_own
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
    tournament: bool = False
    """Whether the one that is taken is picked by a tournament, not by its score."""


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
    """Fields in which the request, or the served policy's settings, differ from how the calibration's answers were drawn."""

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
    _check_numbers(request, options, promise, endpoint)
    call = _call(request, options.best_of, endpoint, request_id)
    instruction = instruction_of(call.messages)
    most = endpoint.settings.limits.text_characters
    _refuse_unless(len(instruction) <= most, "messages", f"at most {most} characters in all")
    _refuse_unless(call.temperature > 0 or options.best_of == 1, "selfj.best_of", "at temperature 0 all candidates are the same")
    drawing = _drawing(options, promise, _by_tournament(options, endpoint))
    departures = _departures(call, drawing, endpoint)
    return Ask(f"{endpoint.name}@{promise.name}", promise, call, instruction, drawing, options.candidates, departures)


def _call(request: ChatRequest, best_of: int, endpoint: Endpoint, request_id: str) -> SampleCall:
    default = endpoint.sampling
    first = request.seed
    return SampleCall(
        messages=without_own(messages_of(request.messages), endpoint.system_prompt),
        seeds=[None if first is None else _seed(first, choice * best_of) for choice in range(request.n or 1)],
        temperature=default.temperature if request.temperature is None else request.temperature,
        top_p=request.top_p or default.top_p,
        max_tokens=request.max_completion_tokens or request.max_tokens or default.max_tokens,
        stop=request.stop or [],
        request_id=request_id,
    )


def _seed(first: int, number: int) -> int:
    return (first + number) % 2**63


def _by_tournament(options: SelfJOptions, endpoint: Endpoint) -> bool:
    """Whether a tournament picks. Raises ApiError if it is asked for where nothing compares answers."""
    asked = (options.pick or endpoint.settings.pick) == "tournament"
    there = endpoint.comparing is not None
    _refuse_unless(there or options.pick != "tournament", "selfj.pick", "no model that compares answers is served here")
    stops = asked and there and options.stop_at is not None
    _refuse_unless(not stops, "selfj.stop_at", "a tournament draws all candidates; leave it out, or pick by score")
    return asked and there and options.best_of > 1


def _drawing(options: SelfJOptions, promise: Promise, tournament: bool) -> Drawing:
    if tournament:
        return Drawing(options.best_of, None, options.at_a_time, tournament=True)
    stop_at = promise.threshold if options.stop_at is None else options.stop_at
    return Drawing(options.best_of, stop_at if options.adaptive else None, options.at_a_time)


def _check_numbers(request: ChatRequest, options: SelfJOptions, promise: Promise, endpoint: Endpoint) -> None:
    limits = endpoint.settings.limits
    for field in ("max_tokens", "max_completion_tokens"):
        _refuse_unless((getattr(request, field) or 0) <= limits.max_tokens, field, f"at most {limits.max_tokens}")
    both = {request.max_tokens, request.max_completion_tokens} - {None}
    _refuse_unless(len(both) <= 1, "max_tokens", "differs from max_completion_tokens, its new name; give one")
    _refuse_unless((request.n or 1) <= limits.n, "n", f"at most {limits.n}")
    _refuse_unless(options.best_of <= limits.best_of, "selfj.best_of", f"at most {limits.best_of}")
    least = promise.threshold or 0.0
    stop_at = least if options.stop_at is None else options.stop_at
    _refuse_unless(stop_at >= least, "selfj.stop_at", f"at least the promise's threshold, {least:g}")


def _refuse_unless(holds: bool, field: str, message: str) -> None:
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
        "selfj.pick": not drawing.tournament,
    }
    return [*endpoint.departures, *(field for field, holds in same.items() if not holds)]
