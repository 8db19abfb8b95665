"""What the clients of benchmarks/load.py ask: fresh pocket instructions with answers, in each server's form."""

import functools
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from load import Asker, Post, Reply  # noqa: E402

from selfj.judge.judge import JudgeFolder  # noqa: E402
from selfj.pocket.mistakes import WebHabits, corrupted_answer, web_answer  # noqa: E402
from selfj.pocket.world import item  # noqa: E402
from selfj.prompts import PromptEncoder, load_tokenizer  # noqa: E402
from selfj.run import RunFolder  # noqa: E402

KINDS = ("judge", "chat")
SERVERS = ("selfj", "vllm")
SEED = 770_001
"""World seed of the instructions; neither training nor any run's settings use it."""
JUDGE_NAME, POLICY_NAME = "judge", "policy"
"""Model names of the `vllm serve` processes."""


@dataclass(frozen=True)
class Served:
    """A server under load."""

    server: str
    """selfj or vllm."""
    url: str
    run: str
    model: str = ""
    """Name, with a promise if wanted; empty: the policy's in the run."""
    policy_url: str = ""
    """vllm: a server for each model."""


@dataclass(frozen=True)
class Question:
    """An instruction and answers to it that are to be judged."""

    instruction: str
    responses: list[str]


@dataclass(frozen=True)
class Sampling:
    """How a run's answers are sampled."""

    policy: str
    """Name of the policy."""
    system_prompt: str
    temperature: float
    top_p: float
    max_tokens: int


def pocket_questions(first: int, count: int, answers: int) -> list[Question]:
    """Instructions `first` … of the pocket world, like those of the test split, each with different answers, right and wrong."""
    return [_question(number, answers) for number in range(first, first + count)]


def _question(number: int, answers: int) -> Question:
    made, rng, found = item(SEED, number), random.Random(number), dict[str, None]()
    while len(found) < answers:
        word = web_answer if rng.random() < 0.5 else corrupted_answer
        text = word(rng, made, WebHabits())
        found[text if text not in found else f"{text} {rng.randint(0, 99)}"] = None
    return Question(made.instruction, list(found))


def sampling_of(run: str) -> Sampling:
    """What the run's answers were sampled with, from the manifest of its responses."""
    manifest = RunFolder(run).upstream("responses", "serve")
    settings = manifest.fingerprint.settings
    policy, sample = settings["policy"], settings["sample"]
    return Sampling(
        policy["name"], policy.get("system_prompt", ""), sample["temperature"], sample.get("top_p", 1.0), sample["max_tokens"]
    )


@functools.cache
def judge_of(run: str) -> JudgeFolder:
    """The run's judge."""
    return JudgeFolder.load(RunFolder(run).path("judge"))


@functools.cache
def judge_encoder(run: str) -> PromptEncoder:
    """Prompts of the run's judge."""
    judge = judge_of(run)
    tokenizer = load_tokenizer(judge.model, judge.chat_template)
    return PromptEncoder(tokenizer, judge.prompts, judge.max_prompt_tokens)


def asker(kind: str, served: Served, first: int, count: int, answers: int) -> Asker:
    """The requests of one kind (`judge`, `chat`) to one server."""
    questions = pocket_questions(first, count, answers)
    makers = {
        ("judge", "selfj"): SelfjJudge,
        ("judge", "vllm"): VllmJudge,
        ("chat", "selfj"): SelfjChat,
        ("chat", "vllm"): VllmChat,
    }
    return makers[kind, served.server](served, questions)


class _Asker:
    def __init__(self, served: Served, questions: list[Question]) -> None:
        self.served, self.questions = served, questions

    def __len__(self) -> int:
        return len(self.questions)


class SelfjJudge(_Asker):
    """`/v1/judge` with all answers of one instruction."""

    def __init__(self, served: Served, questions: list[Question]) -> None:
        super().__init__(served, questions)
        self._url = f"{served.url}/v1/judge"
        self._bodies = [_json({"instruction": asked.instruction, "responses": asked.responses}) for asked in questions]

    async def ask(self, post: Post, number: int) -> Reply:
        """One request."""
        return await post(self._url, self._bodies[number])

    def valid(self, number: int, body: bytes) -> bool:
        """A score from 0 to 9 for every answer."""
        return _are_scores(selfj_scores(body), len(self.questions[number].responses))


class VllmJudge(_Asker):
    """`vllm serve`: `/v1/completions` with the prompts' texts, and the digits' log-probabilities asked for."""

    def __init__(self, served: Served, questions: list[Question]) -> None:
        super().__init__(served, questions)
        self._url = f"{served.url}/v1/completions"
        self._bodies = [label_request(served.run, question) for question in questions]

    async def ask(self, post: Post, number: int) -> Reply:
        """One request."""
        return await post(self._url, self._bodies[number])

    def valid(self, number: int, body: bytes) -> bool:
        """Ten log-probabilities for every answer."""
        rows = [choice["logprobs"]["top_logprobs"][0] for choice in json.loads(body)["choices"]]
        return len(rows) == len(self.questions[number].responses) and all(len(row) >= 10 for row in rows)


class SelfjChat(_Asker):
    """`/v1/chat/completions`: the policy's answer, judged."""

    def __init__(self, served: Served, questions: list[Question]) -> None:
        super().__init__(served, questions)
        self._url = f"{served.url}/v1/chat/completions"
        model = served.model or sampling_of(served.run).policy
        self._bodies = [
            _json({"model": model, "messages": [_turn(question)], "seed": number}) for number, question in enumerate(questions)
        ]

    async def ask(self, post: Post, number: int) -> Reply:
        """One request."""
        return await post(self._url, self._bodies[number])

    def valid(self, number: int, body: bytes) -> bool:
        """Content just if it was answered, and a score."""
        choice = json.loads(body)["choices"][0]
        verdict = choice["selfj"]
        given = choice["message"].get("content") is not None
        return given == verdict["answered"] and _are_scores([verdict["score"]], 1)


class VllmChat(_Asker):
    """`vllm serve` twice: the client asks the policy, then the judge about its answer."""

    def __init__(self, served: Served, questions: list[Question]) -> None:
        super().__init__(served, questions)
        sampling = sampling_of(served.run)
        common = {
            "model": POLICY_NAME,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
        }
        system = [{"role": "system", "content": sampling.system_prompt}] if sampling.system_prompt else []
        self._bodies = [
            _json({**common, "messages": [*system, _turn(question)], "seed": number}) for number, question in enumerate(questions)
        ]
        judge_encoder(served.run)

    async def ask(self, post: Post, number: int) -> Reply:
        """Two requests, one after the other."""
        answered = await post(f"{self.served.policy_url}/v1/chat/completions", self._bodies[number])
        if answered.status != 200:
            return answered
        text = json.loads(answered.body)["choices"][0]["message"]["content"] or ""
        question = Question(self.questions[number].instruction, [text])
        return await post(f"{self.served.url}/v1/completions", label_request(self.served.run, question))

    def valid(self, number: int, body: bytes) -> bool:
        """Ten log-probabilities."""
        return len(json.loads(body)["choices"][0]["logprobs"]["top_logprobs"][0]) >= 10


def label_request(run: str, question: Question) -> bytes:
    """Body of a completions request for the digits' log-probabilities."""
    encoder, labels = judge_encoder(run), judge_of(run).label_token_ids
    prompts = [encoder.rating_text(question.instruction, response) for response in question.responses]
    asked = {"max_tokens": 1, "temperature": 0, "logprobs": 1, "logprob_token_ids": labels, "add_special_tokens": False}
    return _json({"model": JUDGE_NAME, "prompt": prompts, **asked})


def selfj_scores(body: bytes) -> list[float | None]:
    """Scores in a response of `/v1/judge`."""
    return [result["score"] for result in json.loads(body)["results"]]


def _are_scores(scores: list[float | None], number: int) -> bool:
    return len(scores) == number and all(score is not None and 0 <= score <= 9 for score in scores)


def _turn(question: Question) -> dict[str, str]:
    return {"role": "user", "content": question.instruction}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
