"""What the engine does in a round: two answers to each prompt and the verdict on them; and answers to held-out prompts."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from selfj.engine import Engine, Sample, SamplingRequest
from selfj.parts import MadePart
from selfj.plugins import load_function
from selfj.prompts import PromptEncoder
from selfj.records import Rejected, from_table, stable_seed, to_table
from selfj.selfjudge.pairs import Pair, PairJudge, Verdict
from selfj.selfjudge.pairwise import PairRater
from selfj.selfjudge.preferences.table import Prompt
from selfj.selfjudge.self_training import rows
from selfj.selfjudge.self_training.results import PROBES
from selfj.selfjudge.self_training.rows import JudgedPair, Probe
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.self_training.sources import Asked, PromptStream, probe_prompts, too_long
from selfj.selfjudge.self_training.task import Task

Grade = Callable[[str, str], float | None]
IDENTICAL = Verdict(None, 0.5, 0.5)
"""On the same text twice, which no judge has to be asked about."""


def grader(address: str) -> Grade:
    """What `gold` says of an answer, from its prompt's metadata (JSON); None where it says nothing, or raises."""
    if address == "none":
        return lambda _metadata, _answer: None
    function = load_function(address, "self_training.gold")

    def grade(metadata: str, answer: str) -> float | None:
        try:
            value = float(function(json.loads(metadata), answer))
        except Exception:  # a user's function may raise anything; the grade is a figure beside the training
            return None
        return value if math.isfinite(value) else None

    return grade


class RoundMaker:
    """Makes the parts of `pairs` and `probes` with one engine.

    Args:
        outside: the judge, if it is neither the start nor the policy.
    """

    def __init__(self, task: Task, engine: Engine, outside: PairJudge | None = None) -> None:
        self.task, self.engine = task, engine
        self.encoder = PromptEncoder(engine.tokenizer, "standard", engine.context, task.model.system_prompt)
        self.stream = PromptStream(task.run_folder, task.how, task.seed)
        self.grade = grader(task.how.gold)
        self.referee = outside or self._rater(adapted=False)
        """Compares the policy with the start."""
        self.judge = self._rater(adapted=True) if task.how.judge == "moving" else self.referee

    def _rater(self, *, adapted: bool) -> PairRater:
        task = self.task
        return PairRater(self.engine, task.prompts, task.principles, task.judge_tokens, adapted=adapted)

    def pairs(self, part: int, *, adapted: bool) -> MadePart:
        """Pairs of a round: of the policy (`adapted`), or of the start, which answers each prompt once only."""
        asked = self.stream.round(part) if adapted else self.stream.once(part)
        self.engine.forget_prefixes()
        fitting, prompts, rejects = self._encoded([one.prompt for one in asked])
        kept = [asked[place] for place in fitting]
        seeds = [self._seeds(one) for one in kept]
        samples = self._sample([ids for ids in prompts for _ in "ab"], [seed for both in seeds for seed in both], adapted)
        answers = list(zip(samples[::2], samples[1::2], strict=True))
        verdicts = self._compare(kept, answers)
        made = [self._pair(*row) for row in zip(kept, prompts, answers, verdicts, strict=True)]
        return MadePart(to_table(JudgedPair, made), rejects, rows_in=len(asked))

    def _seeds(self, asked: Asked) -> tuple[int, int]:
        key = asked.prompt.instruction_id
        first, second = (stable_seed(self.task.seed, "self-training", key, asked.number, answer) for answer in range(2))
        return first, second

    def _compare(self, asked: Sequence[Asked], answers: Sequence[tuple[Sample, Sample]]) -> list[Verdict]:
        pairs = [Pair(one.prompt.instruction, a.text, b.text) for one, (a, b) in zip(asked, answers, strict=True)]
        return compare_different(self.judge, pairs)

    def _pair(self, asked: Asked, prompt: list[int], answers: tuple[Sample, Sample], verdict: Verdict) -> JudgedPair:
        a, b = answers
        why = left_out(verdict, a.text == b.text, self.task.how)
        return JudgedPair(
            instruction_id=asked.prompt.instruction_id,
            number=asked.number,
            response_a=a.text,
            response_b=b.text,
            prompt_ids=prompt,
            ids_a=list(a.ids),
            ids_b=list(b.ids),
            score_a=verdict.score_a,
            score_b=verdict.score_b,
            flips=verdict.flips,
            preferred=None if why else verdict.preferred,
            left_out=why,
            reason=verdict.reason,
            grade_a=self.grade(asked.prompt.metadata, a.text),
            grade_b=self.grade(asked.prompt.metadata, b.text),
        )

    def probe(self, count: int, *, adapted: bool) -> MadePart:
        """Answers to `count` held-out prompts, one each, compared with the start's where they are the policy's."""
        chosen = probe_prompts(self.task.run_folder, count)
        self.engine.forget_prefixes()
        fitting, prompts, rejects = self._encoded(chosen)
        kept = [chosen[place] for place in fitting]
        seeds = [stable_seed(self.task.seed, "probe", prompt.instruction_id) for prompt in kept]
        samples = self._sample(prompts, seeds, adapted)
        before = self._start() if adapted else {}
        made = self._probes(kept, prompts, samples, before)
        return MadePart(to_table(Probe, made), rejects, rows_in=len(chosen))

    def _start(self) -> dict[str, Probe]:
        return {row.instruction_id: row for row in from_table(Probe, self.task.table(PROBES).read(0))}

    def _probes(
        self, kept: Sequence[Prompt], prompts: Sequence[list[int]], samples: Sequence[Sample], before: dict[str, Probe]
    ) -> list[Probe]:
        texts = [sample.text for sample in samples]
        starts = [before[prompt.instruction_id].response if before else text for prompt, text in zip(kept, texts, strict=True)]
        pairs = [Pair(prompt.instruction, *both) for prompt, *both in zip(kept, texts, starts, strict=True)]
        verdicts = compare_different(self.referee, pairs)
        return [self._probe(*row) for row in zip(kept, prompts, samples, starts, verdicts, strict=True)]

    def _probe(self, prompt: Prompt, ids: list[int], sample: Sample, start: str, verdict: Verdict) -> Probe:
        return Probe(
            instruction_id=prompt.instruction_id,
            response=sample.text,
            prompt_ids=ids,
            ids=list(sample.ids),
            finish_reason=sample.finish_reason,
            grade=self.grade(prompt.metadata, sample.text),
            start_grade=self.grade(prompt.metadata, start),
            score=verdict.score_a,
            start_score=verdict.score_b,
            preferred=None if verdict.preferred is None else {"a": "policy", "b": "start"}[verdict.preferred],
            reason=verdict.reason,
        )

    def _encoded(self, prompts: Sequence[Prompt]) -> tuple[list[int], list[list[int]], list[Rejected]]:
        """Places of the prompts that leave room for an answer, their tokens, and the others as rejects."""
        ids = [self.encoder.conversation_ids(prompt.turns) for prompt in prompts]
        fitting = [place for place, tokens in enumerate(ids) if len(tokens) < self.engine.context]
        rejects = [
            too_long(prompt, len(tokens), self.engine.context)
            for prompt, tokens in zip(prompts, ids, strict=True)
            if len(tokens) >= self.engine.context
        ]
        return fitting, [ids[place] for place in fitting], rejects

    def _sample(self, prompts: Sequence[list[int]], seeds: Sequence[int], adapted: bool) -> list[Sample]:
        how = self.task.how
        requests = [SamplingRequest(ids, seed) for ids, seed in zip(prompts, seeds, strict=True)]
        return self.engine.sample(
            requests, temperature=how.temperature, top_p=how.top_p, max_tokens=how.answer_tokens, adapted=adapted
        )


def compare_different(judge: PairJudge, pairs: Sequence[Pair]) -> list[Verdict]:
    """Verdicts of a judge; the same text twice is a tie that it is not asked about."""
    different = [pair for pair in pairs if pair.a != pair.b]
    verdicts: Any = iter(judge.compare(different))
    return [next(verdicts) if pair.a != pair.b else IDENTICAL for pair in pairs]


def left_out(verdict: Verdict, same: bool, how: SelfTrainingSettings) -> str | None:
    """Why a pair is not learnt from (rows.LEFT_OUT); None if it is."""
    if same:
        return rows.IDENTICAL
    if verdict.score_a is None or verdict.score_b is None:
        return rows.UNJUDGED
    if verdict.preferred is None:
        return rows.TIE
    if abs(verdict.score_a - verdict.score_b) < how.min_margin:
        return rows.CLOSE
    return rows.FLIPS if how.drop_flips and verdict.flips else None
