"""Answers of one model to held-out prompts: the tables `answers_NAME`, whose rows can compete in a tournament."""

from dataclasses import dataclass
from functools import partial

from selfj.config import EngineSettings, ModelSettings, as_dict
from selfj.contests.rows import Contest
from selfj.engine import Engine, SamplingRequest, content_of_model, engine_pool
from selfj.parts import MadePart, Table, make_table
from selfj.prompts import PromptEncoder
from selfj.records import Rejected, stable_seed, to_table
from selfj.run import RunFolder
from selfj.selfjudge.judges import adapter_of
from selfj.selfjudge.preferences.table import Prompt
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.self_training.sources import probe_prompts, too_long
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest

STEP = "measured"
PROMPTS_PER_PART = 128


@dataclass(frozen=True)
class Answering:
    """Whose answers, and how they are drawn."""

    model: ModelSettings
    adapter: str
    """Folder of a LoRA adapter on it; empty for none."""
    prompts: int
    """Held-out prompts, the ones that self-training's own figures are about (sources.probe_prompts)."""
    answers: int
    """Answers to each."""
    temperature: float
    top_p: float
    max_tokens: int
    seed: int

    @classmethod
    def like(cls, how: SelfTrainingSettings, model: ModelSettings, prompts: int, answers: int, seed: int) -> "Answering":
        """Drawn as self-training draws the policy's."""
        return cls(model, "", prompts, answers, how.temperature, how.top_p, how.answer_tokens, seed)


def answers_table(name: str) -> str:
    """Name of the table with the answers of a policy."""
    return f"answers_{name}"


def make_answers(run: RunFolder, name: str, how: Answering, engine: EngineSettings) -> Manifest:
    """Make the table `answers_NAME` of a SELF-JUDGE run; finished parts are kept. Needs a Ray cluster."""
    asked = run.upstream("prompts", STEP)
    adapter = {"adapter": content_hash(how.adapter)} if how.adapter else {}
    chosen = {key: value for key, value in vars(how).items() if key not in ("model", "adapter")}
    named = {**as_dict(how.model, resources=False), "model": ""}
    inputs = {"prompts": asked.fingerprint.digest, **content_of_model(how.model), **adapter}
    prompts = len(probe_prompts(run, how.prompts))
    parts = list(range(-(-prompts // PROMPTS_PER_PART)))
    table = Table(answers_table(name), STEP, Fingerprint({**chosen, "policy": named}, inputs), parts, prompts)
    return make_table(run, table, partial(AnswerMaker, how, engine), engine_pool(engine))


class AnswerMaker:
    """Answers to one part of the prompts; those to one prompt side by side."""

    def __init__(self, how: Answering, engine: EngineSettings) -> None:
        adapter = adapter_of(how.adapter)
        self.how = how
        self.engine = Engine(how.model, engine, adapter, how.seed)
        self.encoder = PromptEncoder(self.engine.tokenizer, "standard", self.engine.context, how.model.system_prompt)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """One row per prompt; one that leaves no room for an answer is rejected."""
        prompts = probe_prompts(run, self.how.prompts)[part * PROMPTS_PER_PART : (part + 1) * PROMPTS_PER_PART]
        encoded = [(prompt, self.encoder.conversation_ids(prompt.turns)) for prompt in prompts]
        fitting = [(prompt, ids) for prompt, ids in encoded if len(ids) < self.engine.context]
        rejects: list[Rejected] = [
            too_long(prompt, len(ids), self.engine.context) for prompt, ids in encoded if len(ids) >= self.engine.context
        ]
        rows = self._answered(fitting)
        return MadePart(to_table(Contest, rows), rejects, rows_in=len(prompts))

    def _answered(self, asked: list[tuple[Prompt, list[int]]]) -> list[Contest]:
        how, numbers = self.how, range(self.how.answers)
        requests = [SamplingRequest(ids, self._seed(prompt, number)) for prompt, ids in asked for number in numbers]
        texts = [
            sample.text
            for sample in self.engine.sample(
                requests, temperature=how.temperature, top_p=how.top_p, max_tokens=how.max_tokens, adapted=bool(how.adapter)
            )
        ]
        return [
            _contest(prompt, texts[place * how.answers : (place + 1) * how.answers]) for place, (prompt, _) in enumerate(asked)
        ]

    def _seed(self, prompt: Prompt, number: int) -> int:
        return stable_seed(self.how.seed, "answers", prompt.instruction_id, number)


def _contest(prompt: Prompt, answers: list[str]) -> Contest:
    key = prompt.instruction_id
    return Contest(
        contest_id=key,
        instruction=prompt.instruction,
        responses=answers,
        response_ids=[f"{key}-{number}" for number in range(len(answers))],
        category=prompt.source,
        metadata=prompt.metadata,
    )
