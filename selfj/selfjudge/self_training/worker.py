"""The rounds, as they run in each Ray Train worker: new pairs from the engine → reference → steps → a new adapter.

The first worker asks the engine; what it makes reaches all workers by way of the arm's tables, so that a restart finds it there.
Optimizer state is carried over the rounds: with rounds of one batch this is one ordinary training.
Everything that is drawn follows from the seed and the number of the round or step, so a resumed run makes the same rounds.
"""

import dataclasses
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from selfj.errors import DataError, SelfJError
from selfj.progress import Progress
from selfj.records import from_table, stable_seed
from selfj.selfjudge.self_training.host import answer_of
from selfj.selfjudge.self_training.measures import pair_figures, probe_figures
from selfj.selfjudge.self_training.reference import answer_logprobs, with_reference
from selfj.selfjudge.self_training.results import ADAPTER, PAIRS, PROBES
from selfj.selfjudge.self_training.rows import JudgedPair, Probe
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.self_training.task import Task, readable
from selfj.selfjudge.self_training.watch import Diverged, check_divergence, check_lengths, check_verdicts
from selfj.store import Store
from selfj.training.batches import BatchPlan
from selfj.training.checkpoints import TrainingState, report_checkpoint, restore_checkpoint
from selfj.training.examples import Example
from selfj.training.job import Outcome, Point, TrainingJob
from selfj.training.loop import Loop, place, step, write
from selfj.training.schedule import Schedule, warmup_steps
from selfj.training.trainee import Trainee

ADAPTERS = "adapters"
"""Adapters between the rounds: the last good one, and later ones."""


@dataclass(frozen=True, kw_only=True)
class SelfTrainingJob(TrainingJob):
    """A training whose examples come from an engine."""

    task: Task
    host: Any
    """An EngineHost's actor."""
    judge: Any
    """A JudgeHost's actor, if the judge is from outside."""
    fixed: tuple[int, ...]
    """Parts of `pairs` that all rounds learn from; none if each round has its own."""


@dataclass
class Rounds:
    """What the rounds need beside the loop."""

    loop: Loop
    job: SelfTrainingJob
    progress: Progress
    usable: list[int] = field(default_factory=list)
    """Pairs learnt from in each round so far."""
    start_tokens: float = 0.0
    """Mean length of the start's answers to held-out prompts."""

    @property
    def how(self) -> SelfTrainingSettings:
        """The settings."""
        return self.job.task.how

    @property
    def number(self) -> int:
        """The round that comes next, from 0."""
        return self.loop.state.step // self.how.steps_per_round


def self_training_worker(config: dict[str, Any]) -> Outcome:
    """What Ray Train runs in each worker. What the user can mend ends all workers alike, and is returned with what was done."""
    job: SelfTrainingJob = config["job"]
    try:
        loop = _setup(job)
    except SelfJError as problem:
        return Outcome(problem=str(problem))
    try:
        loop.state = restore_checkpoint(loop.trainee, loop.state)
        _all_rounds(loop, job)
        write(loop)
    except SelfJError as problem:
        return dataclasses.replace(loop.state.outcome(), problem=str(problem))
    return loop.state.outcome()


def _setup(job: SelfTrainingJob) -> Loop:
    rank, world, device, settings = place(job)
    steps = job.task.how.rounds * job.task.how.steps_per_round
    schedule = Schedule(settings.learning_rate, settings.schedule, warmup_steps(settings.warmup_steps, steps), steps)
    trainee = Trainee(readable(job.base_path), settings, stable_seed(job.seed, "adapters"), device, job.revision)
    plan = _plan([], job, world, 0)
    return Loop(job, rank, world, device, trainee, [], [], plan, schedule, TrainingState(precision=settings.precision))


def _all_rounds(loop: Loop, job: SelfTrainingJob) -> None:
    how = job.task.how
    rounds = Rounds(loop, job, Progress(job.name, how.rounds, "rounds"))
    rounds.progress.done = rounds.progress.first = rounds.number
    if loop.rank == 0:
        print(f"{job.name}: round {rounds.number} of {how.rounds}, {loop.schedule.steps} steps, {loop.world} workers", flush=True)
    _ask(rounds, "probe", 0, None, how.final_prompts)
    rounds.start_tokens = probe_figures(_probes(rounds, 0)).tokens
    _begin(rounds)
    try:
        while rounds.number < how.rounds:
            _round(rounds)
    except Diverged as problem:
        _keep_good(rounds)
        raise Diverged(f"{job.name}: stopped after {rounds.number} of {how.rounds} rounds: {problem}") from None


def _begin(rounds: Rounds) -> None:
    """What stands before the first round, also of those that are left."""
    if not rounds.job.fixed:
        rounds.usable = [sum(pair.preferred is not None for pair in _pairs(rounds, part)) for part in range(rounds.number)]
        return
    _learn_from(rounds, rounds.job.fixed)
    rounds.loop.examples = with_reference(rounds.loop, rounds.loop.examples)
    if rounds.number == 0:
        _write_adapter(rounds, 0)  # good in any case


def _round(rounds: Rounds) -> None:
    """One round: pairs, steps, what is to be told of it, and the checks on it."""
    loop, number, started = rounds.loop, rounds.number, time.monotonic()
    if not rounds.job.fixed:
        _new_pairs(rounds, number)
    for _ in range(rounds.how.steps_per_round if loop.examples else 0):
        step(loop)
    loop.state.step = (number + 1) * rounds.how.steps_per_round
    point = _point(loop)
    loop.state.history.append(point)
    if not rounds.job.fixed:
        check_divergence(point.losses.get("log_ratio"), rounds.how.stop)
        _drop_adapters(rounds, before=number)
    if _due(rounds, rounds.how.validate_every):
        point.validation = _probe(rounds, number + 1)
    loop.state.seconds += time.monotonic() - started
    if _due(rounds, rounds.how.checkpoint_every):
        report_checkpoint(loop.trainee, loop.state, loop.rank)
    if loop.rank == 0:
        rounds.progress.add(1, _told(rounds, point))


def _new_pairs(rounds: Rounds, number: int) -> None:
    """Pairs of the policy as it is, and the batches of this round made of them."""
    _ask(rounds, "pairs", number, _write_adapter(rounds, number))
    pairs = _learn_from(rounds, [number])
    rounds.usable.append(len(rounds.loop.examples))
    if pairs:
        check_lengths(pair_figures(pairs).tokens, rounds.start_tokens, rounds.how.stop)
    check_verdicts(rounds.usable, rounds.how.stop)
    rounds.loop.examples = with_reference(rounds.loop, rounds.loop.examples)


def _learn_from(rounds: Rounds, parts: "list[int] | tuple[int, ...]") -> list[JudgedPair]:
    """Let the next steps learn from these parts of `pairs`; returns all their rows."""
    loop, fixed = rounds.loop, bool(rounds.job.fixed)
    pairs = [pair for part in parts for pair in _pairs(rounds, part)]
    loop.examples = [pair.example for pair in pairs if pair.preferred]
    if fixed and not loop.examples:
        raise DataError(f"{rounds.job.task.folder}/{PAIRS}: no pair with a usable verdict; its column left_out says why")
    loop.plan = _plan(loop.examples, rounds.job, loop.world, 0 if fixed else loop.state.step)
    return pairs


def _pairs(rounds: Rounds, part: int) -> list[JudgedPair]:
    return from_table(JudgedPair, rounds.job.task.table(PAIRS).read(part))


def _plan(examples: list[Example], job: SelfTrainingJob, workers: int, first: int) -> BatchPlan:
    """Batches of fixed pairs have the full size; those of a round share out what usable pairs it has."""
    how = job.task.how
    size = how.batch_size
    if not job.fixed:
        share = -(-round(len(examples) * how.epochs) // how.steps_per_round)
        size = max(1, -(-share // workers)) * workers
    lengths = np.array([example.length for example in examples], dtype=np.int64)
    return BatchPlan(lengths, 2, size, workers, how.tokens_per_micro_batch, stable_seed(job.seed, "pairs", first), first)


def _point(loop: Loop) -> Point:
    """Means over the steps of a round; none if it had no pairs."""
    state = loop.state
    losses = {name: total / state.summed for name, total in state.sums.items()}
    state.sums, state.summed = {}, 0
    return Point(state.step, loop.schedule.rate(state.step - 1), losses)


def _due(rounds: Rounds, every: int) -> bool:
    """Whether something that is done each `every` steps is due at the end of a round; at the last always."""
    now, steps = rounds.loop.state.step, rounds.how.steps_per_round
    return rounds.number == rounds.how.rounds or now // every > (now - steps) // every


def _probe(rounds: Rounds, part: int) -> dict[str, float]:
    """Let the policy answer held-out prompts; its KL divergence from the start on its answers."""
    ended = part == rounds.how.rounds
    adapter = _write_adapter(rounds, part)
    _ask(rounds, "probe", part, adapter, rounds.how.final_prompts if ended else rounds.how.validation_examples)
    probes = _probes(rounds, part)
    examples = [probe.example for probe in probes if probe.ids]
    policy, start = (answer_logprobs(rounds.loop, examples, adapted=adapted) for adapted in (True, False))
    kl = float((policy - start).mean())
    check_divergence(kl, rounds.how.stop)
    check_lengths(probe_figures(probes).tokens, rounds.start_tokens, rounds.how.stop)
    _drop_adapters(rounds, before=part)
    return {"kl": kl}


def _probes(rounds: Rounds, part: int) -> list[Probe]:
    probes = from_table(Probe, rounds.job.task.table(PROBES).read(part))
    if not probes:
        raise DataError(f"{rounds.job.task.folder}/{PROBES}: no held-out prompt leaves room for an answer; see its rejected rows")
    return probes


def _ask(rounds: Rounds, method: str, part: int, adapter: str | None, *further: Any) -> None:
    """Let the engine make a part: the first worker asks, all wait. Raises in all what the engine could not do."""
    import torch.distributed as dist

    job, problem = rounds.job, [""]
    if rounds.loop.rank == 0:
        try:
            answer_of(getattr(job.host, method).remote(job.task, job.judge, part, adapter, *further))
        except SelfJError as found:
            problem = [str(found)]
    dist.broadcast_object_list(problem)
    if problem[0]:
        raise SelfJError(problem[0])


def _write_adapter(rounds: Rounds, number: int) -> str:
    """Write the policy's adapter where the engine finds it."""
    loop, name = rounds.loop, f"{ADAPTERS}/{number:05d}"
    write(dataclasses.replace(loop, job=dataclasses.replace(loop.job, output=name)))
    return f"{rounds.job.task.folder}/{name}"


def _drop_adapters(rounds: Rounds, before: int) -> None:
    """Forget adapters older than this one, which has turned out good."""
    if rounds.loop.rank == 0:
        store = Store(rounds.job.task.folder)
        for name in store.names(ADAPTERS):
            if int(name) < before:
                store.remove(f"{ADAPTERS}/{name}")


def _keep_good(rounds: Rounds) -> None:
    """Make the last adapter that was found good the result: the oldest that is still there."""
    if rounds.loop.rank == 0:
        store = Store(rounds.job.task.folder)
        names = store.names(ADAPTERS)
        for file in store.names(f"{ADAPTERS}/{names[0]}") if names else ():
            store.write(f"{ADAPTER}/{file}", store.read(f"{ADAPTERS}/{names[0]}/{file}"))


def _told(rounds: Rounds, point: Point) -> str:
    parts = [f"{name} {value:.3f}" for name, value in {**point.losses, **point.validation}.items()]
    pairs = [] if rounds.job.fixed else [f"{rounds.usable[-1]} pairs"]
    return ", ".join([*pairs, *parts])
