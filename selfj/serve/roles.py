"""The roles of an engine: a policy that answers, a judge that rates, one that compares. Each implements its service in the
engine's process.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from selfj.engine import answer_parameters, label_parameters, label_rows, sample_of
from selfj.prompts import PromptEncoder
from selfj.rating import Question, Rater, ratings_of
from selfj.selfjudge.pairs import Pair
from selfj.selfjudge.pairwise import PairRater, verdicts_of
from selfj.serve.engine import ServedEngine
from selfj.serve.services import Compared, Delta, PolicyAnswer, PromptRefused, Rated, SampleCall, Sampled


class Policy:
    """Answers conversations with an engine's base weights."""

    def __init__(self, engine: ServedEngine, encoder: PromptEncoder, longest_prompt: int = 0) -> None:
        self._engine = engine
        self._encoder = encoder
        self._context = engine.engine.context
        self._longest_prompt = longest_prompt or self._context

    async def sample(self, call: SampleCall) -> Sampled:
        """All answers, when the last is finished. Raises PromptRefused if the prompt leaves no room for an answer."""
        prompt = self._prompt(call)
        outputs = await self._engine.generate([prompt] * len(call.seeds), self._parameters(call, prompt))
        cached = sum(output.num_cached_tokens or 0 for output in outputs[:1])
        return Sampled([_answer(output) for output in outputs], len(prompt), cached)

    async def stream(self, call: SampleCall) -> AsyncIterator[Delta]:
        """Pieces as they come."""
        from vllm.sampling_params import RequestOutputKind

        prompt = self._prompt(call)
        parameters = self._parameters(call, prompt, output_kind=RequestOutputKind.DELTA)
        tokens = [0] * len(call.seeds)
        async for place, output in self._engine.stream([prompt] * len(call.seeds), parameters):
            piece = output.outputs[0]
            tokens[place] += len(piece.token_ids)
            yield Delta(place, piece.text, tokens[place], len(prompt), piece.finish_reason)

    async def ready(self) -> bool:
        """Whether the engine runs."""
        self._engine.check()
        return True

    def _prompt(self, call: SampleCall) -> list[int]:
        try:
            prompt = self._encoder.conversation_ids(call.messages)
        except Exception as problem:  # a chat template raises whatever its author chose
            raise PromptRefused(f"messages: the model's chat template refuses them: {problem}") from None
        if len(prompt) >= self._context:
            raise PromptRefused(f"messages: they take {len(prompt)} tokens, the model's context is {self._context}")
        if len(prompt) > self._longest_prompt:
            raise PromptRefused(f"messages: they take {len(prompt)} tokens, at most {self._longest_prompt} are taken")
        return prompt

    def _parameters(self, call: SampleCall, prompt: list[int], **further: Any) -> list[Any]:
        room = min(call.max_tokens, self._context - len(prompt))
        how = {"temperature": call.temperature, "top_p": call.top_p, "max_tokens": room, "stop": call.stop, **further}
        return [answer_parameters(seed, **how) for seed in call.seeds]


class Judge:
    """Rates answers with an engine's weights, adapted if the judge is a LoRA adapter."""

    def __init__(self, engine: ServedEngine, rater: Rater) -> None:
        self._engine = engine
        self._rater = rater
        self._parameters = label_parameters(rater.labels)

    async def rate(self, questions: Sequence[Question], request_id: str) -> Rated:
        """One rating per question; one that cannot be made is null with a reason."""
        rated = await self.rate_each([questions])
        return rated[0]

    async def rate_each(self, calls: Sequence[Sequence[Question]]) -> list[Rated]:
        """The ratings of several calls at once, each with its own count of tokens."""
        encoded = [[self._rater.encode(question) for question in questions] for questions in calls]
        prompts = [item for items in encoded for item in items if isinstance(item, list)]
        outputs = iter(await self._engine.generate(prompts, [self._parameters] * len(prompts), self._rater.adapted))
        return [self._rated(items, [next(outputs) for item in items if isinstance(item, list)]) for items in encoded]

    async def ready(self) -> bool:
        """Whether the engine runs."""
        self._engine.check()
        return True

    def _rated(self, encoded: list[list[int] | str], outputs: list[Any]) -> Rated:
        ratings = ratings_of(encoded, label_rows(outputs, self._rater.labels))
        tokens = sum(len(item) for item in encoded if isinstance(item, list))
        return Rated(ratings, tokens, sum(output.num_cached_tokens or 0 for output in outputs))


class PairJudge:
    """Compares two answers with an engine's base weights."""

    def __init__(self, engine: ServedEngine, rater: PairRater) -> None:
        self._engine = engine
        self._rater = rater
        self._parameters = label_parameters(rater.encoder.labels)

    async def compare(self, pairs: Sequence[Pair], request_id: str) -> Compared:
        """One verdict per pair; one that cannot be made has a reason."""
        encoded = [self._rater.encode(pair) for pair in pairs]
        prompts = [prompt for made in encoded if isinstance(made, list) for prompt in made]
        outputs = await self._engine.generate(prompts, [self._parameters] * len(prompts), self._rater.adapted)
        verdicts = verdicts_of(encoded, label_rows(outputs, self._rater.encoder.labels))
        cached = sum(output.num_cached_tokens or 0 for output in outputs)
        return Compared(verdicts, sum(map(len, prompts)), cached)

    async def ready(self) -> bool:
        """Whether the engine runs."""
        self._engine.check()
        return True


def _answer(output: Any) -> PolicyAnswer:
    sample = sample_of(output.outputs[0])
    return PolicyAnswer(sample.text, sample.tokens, sample.finish_reason, sample.sum_logprob)
