"""Instructions → responses: the policy answers every instruction (METHOD.md A, sample)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from selfj.config import ModelSettings, SampleSettings, Settings, as_dict, located
from selfj.engine import Engine, Sample, SamplingRequest, content_of_model, engine_pool
from selfj.parts import MadePart, Table, make_table
from selfj.prompts import PromptEncoder
from selfj.records import Instruction, Rejected, Response, from_table, rejected, response_id, stable_seed, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest


def sample(run: RunFolder, settings: Settings) -> Manifest:
    """Make the table `responses`: n answers per instruction, each with its own seed.

    A prompt that leaves no room for an answer in the model's context is rejected, with its length.
    """
    upstream = run.upstream("instructions", "sample")
    check_policy(settings.policy, settings)
    fingerprint = Fingerprint(
        settings=sampled_with(settings),
        inputs={"instructions": upstream.fingerprint.digest, **content_of_model(settings.policy)},
    )
    rows = upstream.rows_out * settings.sample.responses_per_instruction
    table = Table("responses", "sample", fingerprint, run.table("instructions").parts(), rows)
    return make_table(run, table, partial(ResponseMaker, located(settings)), engine_pool(settings.engine))


def sampled_with(settings: Settings) -> dict[str, Any]:
    """The settings that decide what is answered to an instruction."""
    names = ("policy", "sample")
    return {"seed": settings.seed, **{name: as_dict(getattr(settings, name), resources=False) for name in names}}


def check_policy(policy: ModelSettings, settings: Settings) -> None:
    """Fail before any worker starts: model folder, chat template, single-token digits."""
    from selfj.engine import check_model_folder
    from selfj.labels import label_token_ids
    from selfj.prompts import load_tokenizer

    check_model_folder(policy.model)
    tokenizer = load_tokenizer(policy.model, policy.chat_template, policy.revision)
    encoder = PromptEncoder(tokenizer, settings.prompts, max_tokens=1 << 30)
    label_token_ids(tokenizer, encoder.rating_text("Is this a question?", "Yes.", "Yes."))


@dataclass(frozen=True)
class _Draw:
    """One answer to be sampled."""

    instruction: Instruction
    number: int
    prompt: list[int]
    seed: int

    @property
    def key(self) -> str:
        return response_id(self.instruction.instruction_id, self.number)


Numbers = Callable[[Instruction], range]
"""Which answers to an instruction are sampled; the number of an answer decides its seed."""


class ResponseMaker:
    """Samples the answers to one part of the instructions: the settings' number of each, or what `numbers` says."""

    def __init__(self, settings: Settings, numbers: Numbers | None = None, step: str = "sample") -> None:
        self.settings = settings
        self.numbers = numbers or (lambda _: range(settings.sample.responses_per_instruction))
        self.step = step
        self.engine = Engine(settings.policy, settings.engine, seed=settings.seed)
        self.encoder = PromptEncoder(self.engine.tokenizer, settings.prompts, self.engine.context, settings.policy.system_prompt)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Answers to part `part` of the instructions, those of one instruction side by side."""
        instructions = from_table(Instruction, run.table("instructions").read(part))
        draws = [draw for instruction in instructions for draw in self._draws(instruction)]
        fitting = [draw for draw in draws if len(draw.prompt) < self.engine.context]
        rejects = [self._too_long(draw) for draw in draws if len(draw.prompt) >= self.engine.context]
        samples = self._sample(fitting, self.settings.sample)
        rows = [self._response(draw, answer) for draw, answer in zip(fitting, samples, strict=True)]
        return MadePart(to_table(Response, rows), rejects, rows_in=len(draws))

    def _draws(self, instruction: Instruction) -> Iterable[_Draw]:
        numbers = self.numbers(instruction)
        prompt = self.encoder.answer_ids(instruction.instruction) if numbers else []
        for number in numbers:
            seed = stable_seed(self.settings.seed, response_id(instruction.instruction_id, number))
            yield _Draw(instruction, number, prompt, seed)

    def _sample(self, draws: list[_Draw], how: SampleSettings) -> list[Sample]:
        requests = [SamplingRequest(draw.prompt, draw.seed) for draw in draws]
        return self.engine.sample(requests, temperature=how.temperature, top_p=how.top_p, max_tokens=how.max_tokens)

    def _response(self, draw: _Draw, answer: Sample) -> Response:
        return Response(
            response_id=draw.key,
            instruction_id=draw.instruction.instruction_id,
            response=answer.text,
            policy=self.settings.policy_name,
            seed=draw.seed,
            tokens=answer.tokens,
            sum_logprob=answer.sum_logprob,
            finish_reason=answer.finish_reason,
        )

    def _too_long(self, draw: _Draw) -> Rejected:
        source = draw.instruction
        reason = f"the prompt takes {len(draw.prompt)} tokens, the model's context is {self.engine.context}"
        return rejected(
            self.step, source.source, reason, row=source.row, field="instruction", key=draw.key, content=source.instruction
        )
