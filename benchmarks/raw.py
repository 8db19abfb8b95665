"""The ceiling: vLLM's engine stepped in this process, prompts tokenised before the clock starts, no server and no clients.

python benchmarks/raw.py runs/pocket judge 32 16        kind, requests in flight, answers to one instruction

Requests in flight are those of as many clients that each send their next request when the last is answered.
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from questions import Question, pocket_questions, sampling_of  # noqa: E402

from selfj.config import EngineSettings  # noqa: E402
from selfj.engine import Engine, answer_parameters, engine_pool, label_parameters  # noqa: E402
from selfj.prompts import PromptEncoder  # noqa: E402
from selfj.raters.trained import judge_rater  # noqa: E402
from selfj.serve.served import ServedRun  # noqa: E402
from selfj.serve.settings import ServeSettings  # noqa: E402


@dataclass
class Cell:
    """One measurement."""

    kind: str
    clients: int
    answers: int
    seconds: float
    warm_up_s: float
    first: int
    requests: int


@dataclass
class _Request:
    """A request under way: all that it still waits for."""

    began: float
    question: Question
    unfinished: int = 0
    number: int = 0


class Raw:
    """Policy and judge of a run, stepped in turn."""

    def __init__(self, run: str) -> None:
        served = ServedRun.of(
            ServeSettings(run=run, engine=EngineSettings(threads=os.cpu_count() or 1))
        )  # it steps one at a time
        os.environ.update(engine_pool(served.engine).environment)
        self._sampling = sampling_of(run)
        self._judge = served.judge_engine()
        self._rater = judge_rater(served.judge, self._judge)
        self._policy = served.policy_engine()
        tokenizer = self._policy.tokenizer
        self._answer = PromptEncoder(tokenizer, served.judge.prompts, self._policy.context, served.policy.system_prompt)
        self._keys = map(str, itertools.count())

    def measure(self, cell: Cell) -> dict[str, Any]:
        """Keep `cell.clients` requests in flight for a while."""
        questions = pocket_questions(cell.first, cell.requests, cell.answers)
        prompts: Iterator[tuple[int, Any]] = iter(enumerate([self._prompts(cell, question) for question in questions]))
        began = time.perf_counter()
        start, end = began + cell.warm_up_s, began + cell.warm_up_s + cell.seconds
        waiting: dict[str, _Request] = {}
        took: list[tuple[float, float]] = []
        for number, prompt in itertools.islice(prompts, cell.clients):
            self._send(cell, _Request(time.perf_counter(), questions[number], number=number), prompt, waiting)
        while waiting and time.perf_counter() < end:
            for request in self._step(waiting):
                now = time.perf_counter()
                took.append((now, now - request.began))
                following = next(prompts, None)
                if following is not None:
                    number, prompt = following
                    self._send(cell, _Request(now, questions[number], number=number), prompt, waiting)
        stopped = min(time.perf_counter(), end)
        self._empty(waiting)
        return _summary([seconds for at, seconds in took if start <= at <= end], stopped - start, next(prompts, None) is None)

    def _prompts(self, cell: Cell, question: Question) -> list[list[int]]:
        if cell.kind == "chat":
            return [self._answer.answer_ids(question.instruction)]
        return [self._label_prompt(question.instruction, response) for response in question.responses]

    def _label_prompt(self, instruction: str, response: str) -> list[int]:
        return self._rater.encoder.rating_ids(instruction, response)

    def _send(self, cell: Cell, request: _Request, prompts: Sequence[list[int]], waiting: dict[str, _Request]) -> None:
        if cell.kind == "chat":
            room = min(self._sampling.max_tokens, self._policy.context - len(prompts[0]))
            how = {"temperature": self._sampling.temperature, "top_p": self._sampling.top_p, "max_tokens": room}
            self._add(self._policy, "policy", prompts, answer_parameters(request.number, **how), request, waiting)
        else:
            self._add(self._judge, "judge", prompts, label_parameters(self._rater.labels), request, waiting)

    def _add(
        self, engine: Engine, role: str, prompts: Sequence[list[int]], how: Any, request: _Request, waiting: dict[str, _Request]
    ) -> None:
        lora = engine.lora if role == "judge" and engine.adapter else None
        for prompt in prompts:
            key = f"{role}-{next(self._keys)}"
            engine.core.add_request(key, {"type": "token", "prompt_token_ids": prompt}, how, lora_request=lora)
            waiting[key] = request
            request.unfinished += 1

    def _step(self, waiting: dict[str, _Request]) -> list[_Request]:
        """One step of each engine that has work; the requests that are finished by it."""
        finished = []
        for engine in (self._policy, self._judge):
            outputs = engine.core.step() if engine.core.has_unfinished_requests() else []
            for output in outputs:
                if output.finished:
                    request = waiting.pop(output.request_id)
                    request.unfinished -= 1
                    if output.request_id.startswith("policy"):
                        prompt = self._label_prompt(request.question.instruction, output.outputs[0].text)
                        self._add(self._judge, "judge", [prompt], label_parameters(self._rater.labels), request, waiting)
                    elif not request.unfinished:
                        finished.append(request)
        return finished

    def _empty(self, waiting: dict[str, _Request]) -> None:
        for engine, role in ((self._policy, "policy"), (self._judge, "judge")):
            engine.core.abort_request([key for key in waiting if key.startswith(role)])
            while engine.core.has_unfinished_requests():
                engine.core.step()


def _summary(seconds: Sequence[float], window: float, ran_out: bool) -> dict[str, Any]:
    values = 1000 * np.array(seconds) if seconds else np.full(1, np.nan)
    p50, p95, p99 = (round(float(value), 2) for value in np.percentile(values, (50, 95, 99)))
    rate = round(len(seconds) / window, 2)
    return {
        "requests": len(seconds),
        "requests_per_second": rate,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "ran_out": ran_out,
    }


def main() -> None:
    """Cells as JSON lines on standard input, or one on the command line; results as JSON lines on standard output."""
    run, *rest = sys.argv[1:]
    output = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what engines print on standard output goes elsewhere
    raw = Raw(run)
    output.write(json.dumps({"ready": True}) + "\n")
    if rest:
        cells = [Cell(rest[0], int(rest[1]), int(rest[2]), 8.0, 1.5, 0, 20_000)]
    else:
        cells = (Cell(**json.loads(line)) for line in sys.stdin)  # type: ignore[assignment]
    for cell in cells:
        output.write(json.dumps(raw.measure(cell)) + "\n")


if __name__ == "__main__":
    main()
