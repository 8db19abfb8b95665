"""The one training loop, as it runs in each Ray Train worker: setup → fit → validate → write.

Nothing in it is drawn from a state that a restart would lose: the order of examples, the learning rate and the dropout of
a step follow from the seed and the number of the step. So a resumed run makes the steps that an uninterrupted one makes.
"""

import dataclasses
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from selfj.config import LoopSettings, Precision
from selfj.errors import DataError, ModelError, SelfJError
from selfj.progress import Progress
from selfj.records import stable_seed
from selfj.run import RunFolder
from selfj.training.batches import BatchPlan, collate, validation_groups
from selfj.training.checkpoints import TrainingState, report_checkpoint, restore_checkpoint
from selfj.training.examples import Example, read_examples
from selfj.training.job import Outcome, Point, TrainingJob
from selfj.training.objective import LOSS
from selfj.training.schedule import Schedule, warmup_steps
from selfj.training.trainee import Trainee

if TYPE_CHECKING:
    import torch

_PAD = 0
"""Any token will do: the attention mask hides it."""


def train_worker(config: dict[str, Any]) -> Outcome:
    """What Ray Train runs in each worker; the first worker's outcome reaches the driver.

    What the user can mend ends the training in all workers alike and is returned, because Ray Train would start a worker
    that raises again and again.
    """
    job: TrainingJob = config["job"]
    try:
        return _train(job)
    except SelfJError as problem:
        return Outcome(problem=str(problem))


def _train(job: TrainingJob) -> Outcome:
    loop = setup(job)
    loop.state = restore_checkpoint(loop.trainee, loop.state)
    fit(loop)
    write(loop)
    outcome = loop.state.outcome()
    outcome.examples, outcome.validation_examples = len(loop.examples), sum(map(len, loop.validation))
    return outcome


@dataclass
class Loop:
    """What one worker needs from step to step."""

    job: TrainingJob
    rank: int
    world: int
    device: "torch.device"
    trainee: Trainee
    examples: list[Example]
    validation: list[list[Example]]
    """Groups of validation examples; every worker computes its share of each."""
    plan: BatchPlan
    schedule: Schedule
    state: TrainingState

    @property
    def share(self) -> float:
        """Weight of one example of this worker in the step's mean, given that DeepSpeed averages over workers."""
        return self.world / self.plan.batch_size


def setup(job: TrainingJob) -> Loop:
    """Load the examples and the model.

    Raises DataError if there are no examples, ModelError if the model cannot be loaded.
    """
    rank, world, device, settings = place(job)
    train, validation = read_examples(RunFolder(job.run).table(job.examples))
    if not train:
        raise DataError(f"{job.run}/{job.examples}: no examples to train on; see its rejected rows")
    lengths = np.array([example.length for example in train])
    kinds = np.array([int(example.numbers[0]) for example in train]) if job.quotas else None
    plan = BatchPlan(
        lengths, train[0].rows, settings.batch_size, world, settings.tokens_per_micro_batch, job.seed, 0, kinds, job.quotas
    )
    steps = plan.steps(settings.epochs)
    schedule = Schedule(settings.learning_rate, settings.schedule, warmup_steps(settings.warmup_steps, steps), steps)
    trainee = Trainee(job.base_path, settings, stable_seed(job.seed, "adapters"), device, job.revision)
    groups = _grouped(validation, world, settings.tokens_per_micro_batch)
    state = TrainingState(precision=settings.precision)
    return Loop(job, rank, world, device, trainee, train, groups, plan, schedule, state)


def place(job: TrainingJob) -> "tuple[int, int, torch.device, LoopSettings]":
    """This worker's rank, the number of workers, where it computes, and the settings with the precision that all agreed on."""
    import ray.train
    import ray.train.torch
    import torch

    context = ray.train.get_context()
    device = ray.train.torch.get_device()
    settings = dataclasses.replace(job.settings, precision=agreed_precision(job.settings.precision, device))
    if device.type == "cpu":
        torch.set_num_threads(settings.threads)
    return context.get_world_rank(), context.get_world_size(), device, settings


def agreed_precision(asked: Precision, device: "torch.device") -> Precision:
    """What `auto` comes to: bfloat16 if it is the faster format on every worker's device, else float32.

    On CPUs it is so with AMX (twice as fast as float32, measured) and with AVX-512 BF16 (1.65 times, on an AMD EPYC), while it is
    three times slower with plain AVX-512 and fifteen times with AVX2.
    """
    import torch

    if asked != "auto":
        return asked
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        fast = bool(able.get("amx_bf16", False) or able.get("avx512_bf16", False))
    return "float32" if over_workers(np.array([0.0 if fast else 1.0]))[0] else "bfloat16"


def _grouped(examples: list[Example], world: int, tokens: int) -> list[list[Example]]:
    if not examples:
        return []
    lengths = np.array([example.length for example in examples])
    groups = validation_groups(lengths, examples[0].rows, world, tokens)
    return [[examples[place] for place in group] for group in groups]


def fit(loop: Loop) -> None:
    """Make the steps that are left, with validations and checkpoints in between and at the end.

    Raises ModelError if the loss is no longer a number.
    """
    settings, state, steps = loop.job.settings, loop.state, loop.schedule.steps
    if loop.rank == 0:
        print(f"{loop.job.name}: step {state.step} of {steps}, {len(loop.examples):,} examples, {loop.world} workers", flush=True)
    progress = Progress(loop.job.name, steps, "steps")
    progress.done = progress.first = state.step
    while state.step < steps:
        started = time.monotonic()
        tokens = step(loop)
        seconds = time.monotonic() - started
        ended = state.step == steps
        if ended or state.step % settings.validate_every == 0:
            _add_point(loop)
        state.seconds += time.monotonic() - started
        if ended or state.step % settings.checkpoint_every == 0:
            report_checkpoint(loop.trainee, state, loop.rank)
        if loop.rank == 0:
            _tell(progress, loop, tokens, seconds)


def step(loop: Loop) -> int:
    """Make one optimizer step; returns the tokens that all workers read in it.

    Raises ModelError if the loss is no longer a number.
    """
    import torch

    state = loop.state
    torch.manual_seed(stable_seed(loop.job.seed, "dropout", state.step, loop.rank))
    loop.trainee.train()
    shares = loop.plan.micro_batches(state.step, loop.rank)
    sums: dict[str, float] = {}
    tokens = 0
    for number, places in enumerate(shares, start=1):
        batch = collate([loop.examples[place] for place in places], _PAD, loop.device)
        losses = loop.job.objective.losses(loop.trainee.logits(batch), batch)
        loop.trainee.backward(losses[LOSS].sum() * loop.share, last=number == len(shares))
        tokens += batch.tokens
        for name, values in losses.items():
            sums[name] = sums.get(name, 0.0) + float(values.detach().sum())
    loop.trainee.step(loop.schedule.rate(state.step))
    state.step += 1
    return _count(loop, sums, tokens)


def _count(loop: Loop, sums: dict[str, float], tokens: int) -> int:
    """Add what all workers saw in a step to the state."""
    state = loop.state
    names = list(sums)
    *totals, read = over_workers(np.array([*(sums[name] for name in names), tokens])).tolist()
    if not all(map(math.isfinite, totals)):
        raise ModelError(
            f"{loop.job.name}: the loss is no longer a number at step {state.step} of {loop.schedule.steps}; "
            "lower learning_rate, or train with precision float32"
        )
    for name, total in zip(names, totals, strict=True):
        state.sums[name] = state.sums.get(name, 0.0) + total
    state.summed += loop.plan.batch_size
    state.tokens += round(read)
    return round(read)


def over_workers(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum over the workers, the same in all of them."""
    import torch
    import torch.distributed as dist

    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    tensor = torch.as_tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(tensor)
    return tensor.cpu().numpy()


def _add_point(loop: Loop) -> None:
    state = loop.state
    losses = {name: total / state.summed for name, total in state.sums.items()}
    state.history.append(Point(state.step, loop.schedule.rate(state.step - 1), losses, validate(loop)))
    state.sums, state.summed = {}, 0


def validate(loop: Loop) -> dict[str, float]:
    """Mean losses and the objective's figures on the validation examples; nothing if there are none."""
    import torch

    if not loop.validation:
        return {}
    loop.trainee.train(False)
    with torch.no_grad():
        shares = [_looked_at(loop, group) for group in loop.validation]
    names = list(shares[0])
    spread = np.concatenate([np.stack([share[name] for name in names], axis=1) for share in shares])
    values = dict(zip(names, over_workers(spread).T, strict=True))
    numbers = np.array([example.numbers for group in loop.validation for example in group])
    losses = {name.removeprefix("loss/"): float(values.pop(name).mean()) for name in names if name.startswith("loss/")}
    return {**losses, **loop.job.objective.summary(values, numbers)}


def _looked_at(loop: Loop, group: list[Example]) -> dict[str, NDArray[np.float64]]:
    """Losses and predictions of a group, (examples,) each, zero where another worker computes them."""
    batch = collate(group[loop.rank :: loop.world], _PAD, loop.device)
    logits = loop.trainee.logits(batch)
    objective = loop.job.objective
    found = {f"loss/{name}": values for name, values in objective.losses(logits, batch).items()}
    found |= objective.predictions(logits, batch)
    return {name: _spread(values, loop, len(group)) for name, values in found.items()}


def _spread(values: "torch.Tensor", loop: Loop, count: int) -> NDArray[np.float64]:
    places = np.zeros(count)
    places[loop.rank :: loop.world] = values.double().cpu().numpy()
    return places


def _tell(progress: Progress, loop: Loop, tokens: int, seconds: float) -> None:
    """A line of progress every few seconds, and at every validation."""
    state = loop.state
    point = None if state.summed else state.history[-1]
    losses = point.losses if point else {name: total / state.summed for name, total in state.sums.items()}
    parts = [f"{name} {value:.3f}" for name, value in losses.items()]
    parts += [f"validation {name} {value:.3f}" for name, value in (point.validation if point else {}).items()]
    rates = f"{loop.plan.batch_size / seconds:,.0f} examples/s, {tokens / seconds:,.0f} tokens/s"
    note = f"{rates}, {', '.join(parts)}"
    if point:
        progress.done += 1
        progress.show(note)
    else:
        progress.add(1, note)


def write(loop: Loop) -> None:
    """Write the trained model into the run folder: straight where that is a local file system, else by way of a copy."""
    store = RunFolder(loop.job.run).store
    if store.is_local:
        folder = Path(store.path(loop.job.output))
        folder.mkdir(parents=True, exist_ok=True)
        loop.trainee.write_model(folder, loop.job.base_model)
        return
    with tempfile.TemporaryDirectory() as folder_name:
        loop.trainee.write_model(Path(folder_name), loop.job.base_model)
        if loop.rank == 0:
            for file in sorted(Path(folder_name).iterdir()):
                store.filesystem.put_file(str(file), store.path(f"{loop.job.output}/{file.name}"))
