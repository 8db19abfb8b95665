"""What tests run inside Ray Train workers: whole arms on a tiny model, with an engine of plain forward passes."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from selfj.config import LoopSettings
from selfj.run import RunFolder
from selfj.selfjudge.self_training import step, worker
from selfj.selfjudge.self_training.host import EngineHost
from selfj.selfjudge.self_training.reference import answer_logprobs
from selfj.training.batches import BatchPlan
from selfj.training.examples import Example
from selfj.training.job import Outcome, Point
from selfj.training.schedule import Schedule, warmup_steps
from tests.selfjudge.self_training.worlds import settings
from tests.torch_engine import TorchEngine


class Killed(Exception):
    """What a test ends a run with."""


@dataclass(frozen=True)
class Case:
    """One arm; `killed` names the calls of the engine before which, or `after` which, the run is ended and begun again."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    killed: tuple[tuple[str, int], ...] = ()
    after: bool = False


@dataclass(frozen=True)
class Session:
    """What the first worker found."""

    outcomes: dict[str, Outcome]
    """Of each arm."""
    reference: tuple[Any, Any, Any]
    """Log-probabilities under the start: adapter off after training, a separate copy, and the trained policy's."""


class _Remote:
    """A method with Ray's way of being called, in this process."""

    def __init__(self, method: Any) -> None:
        self.method = method

    def remote(self, *arguments: Any) -> Any:
        import ray

        return ray.put(self.method(*arguments))


class LocalHost:
    """An EngineHost without an actor and without vLLM."""

    def __init__(self, model: str) -> None:
        self.engine = EngineHost(None, None, 4, 0)  # type: ignore[arg-type]
        self.engine._engine = TorchEngine(model)  # type: ignore[assignment]

    def __getattr__(self, name: str) -> _Remote:
        return _Remote(getattr(self.engine, name))


def train_arms(config: dict[str, Any]) -> Session:
    """In each worker: all cases one after another."""
    model, run = config["model"], RunFolder(config["run"])
    outcomes = {case.name: _train_arm(run, model, case) for case in config["cases"]}
    return Session(outcomes, _reference(run, model))


def _train_arm(run: RunFolder, model: str, case: Case) -> Outcome:
    left = list(case.killed)
    while True:
        with _kept_checkpoints(run.path(f"kept/{case.name}")), _killed(left, case.after):
            try:
                return worker.self_training_worker({"job": job_of(run, model, case)})
            except Killed:
                continue


@contextmanager
def _killed(left: list[tuple[str, int]], after: bool) -> Iterator[None]:
    """End the run in all workers, once at each of these calls of the engine."""
    original = worker._ask

    def ask(rounds: Any, method: str, part: int, *further: Any) -> None:
        due = (method, part) in left
        if due:
            left.remove((method, part))
        if not due or after:
            original(rounds, method, part, *further)
        if due:
            raise Killed(f"{method} {part}")

    worker._ask = ask
    try:
        yield
    finally:
        worker._ask = original


def job_of(run: RunFolder, model: str, case: Case) -> worker.SelfTrainingJob:
    """The job of a case, as the step makes it."""
    how = settings(model, arm=case.name, **{"workers": _world(), **case.changes})
    task, host = step.task_of(run, how), LocalHost(model)
    return step.job_of(task, host, None, step.fixed_pairs(task, host, None))


def _world() -> int:
    """Workers of this session."""
    import ray.train

    return int(ray.train.get_context().get_world_size())


@contextmanager
def _kept_checkpoints(folder: str) -> Iterator[None]:
    """Checkpoints of one arm in one folder, in place of Ray Train's, which belong to a whole job."""

    def report(trainee: Any, state: Any, rank: int) -> None:
        trainee.save_state(folder)  # waits for all workers
        if rank == 0:
            Path(folder, "state.json").write_text(json.dumps(dataclasses.asdict(state)))
        dist.barrier()

    def restore(trainee: Any, fresh: Any) -> Any:
        if not Path(folder, "state.json").exists():
            return fresh
        trainee.load_state(folder)
        values = json.loads(Path(folder, "state.json").read_text())
        return type(fresh)(**{**values, "history": [Point(**point) for point in values["history"]]})

    original = worker.report_checkpoint, worker.restore_checkpoint
    worker.report_checkpoint, worker.restore_checkpoint = report, restore
    try:
        yield
    finally:
        worker.report_checkpoint, worker.restore_checkpoint = original


def _reference(run: RunFolder, model: str) -> tuple[Any, Any, Any]:
    """Three answers to: how likely are these answers?"""
    loop = worker._setup(job_of(run, model, Case("reference")))
    with torch.no_grad():
        for name, parameter in loop.trainee.engine.module.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.1)  # a policy that is no longer the start
    random = np.random.default_rng(0)
    examples = [
        Example(str(number), "train", [random.integers(30, 300, 5).tolist()] * 2, [random.integers(30, 300, size).tolist()] * 2)
        for number, size in enumerate((3, 9, 4, 6, 1))
    ]
    off, on = (answer_logprobs(loop, examples, adapted=adapted) for adapted in (False, True))
    return off, copied_logprobs(model, examples), on


def copied_logprobs(model: str, examples: list[Example]) -> Any:
    """Under a separate copy of the model, one row after another: (examples, rows)."""
    from transformers import AutoModelForCausalLM

    copy = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    return np.array([[_logprob(copy, *row).item() for row in zip(one.prompts, one.targets, strict=True)] for one in examples])


def _logprob(model: Any, prompt: Any, target: Any) -> torch.Tensor:
    ids = [*map(int, prompt), *map(int, target)]
    logits = torch.log_softmax(model(input_ids=torch.tensor([ids])).logits[0].float(), dim=-1)
    places = torch.arange(len(prompt) - 1, len(ids) - 1)
    return logits[places, torch.tensor(ids[len(prompt) :])].sum()


def train_plainly(model: str, examples: list[Example], how: LoopSettings, steps: int, seed: int) -> dict[str, torch.Tensor]:
    """Adapters after some steps of DPO beside a separate copy of the model: no DeepSpeed, padding, batches or workers."""
    from transformers import AutoModelForCausalLM

    from selfj.records import stable_seed
    from selfj.training.trainee import _with_adapters

    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    torch.manual_seed(stable_seed(seed, "adapters"))
    policy = _with_adapters(base, model, how).train()
    before = copied_logprobs(model, examples)
    learnt = [parameter for parameter in policy.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=how.learning_rate, weight_decay=0.0)
    lengths = np.array([example.length for example in examples])
    plan = BatchPlan(lengths, 2, how.batch_size, 1, 1, stable_seed(seed, "pairs", 0))
    schedule = Schedule(how.learning_rate, how.schedule, warmup_steps(how.warmup_steps, steps), steps)
    for number in range(steps):
        losses = []
        for place in plan.batch(number):
            ratios = [_logprob(policy, *row) for row in zip(examples[place].prompts, examples[place].targets, strict=True)]
            margin = (ratios[0] - before[place, 0]) - (ratios[1] - before[place, 1])
            losses.append(-torch.nn.functional.logsigmoid(how.beta * margin))  # type: ignore[attr-defined]
        torch.stack(losses).mean().backward()
        torch.nn.utils.clip_grad_norm_(learnt, how.max_grad_norm)
        optimizer.param_groups[0]["lr"] = schedule.rate(number)
        optimizer.step()
        optimizer.zero_grad()
    return {name: value.detach() for name, value in policy.named_parameters() if value.requires_grad}
