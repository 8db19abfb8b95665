"""What each step of a run makes: rows, tokens, workers, time and storage of every table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from selfj.config import EngineSettings, Settings
from selfj.plan import rates
from selfj.plan.lengths import Lengths
from selfj.plan.models import ModelSize
from selfj.plan.rates import Cluster, Speed
from selfj.training.batches import steps_of

Count = float | None
"""A number to expect; None where it cannot be known before the run."""
Device = Literal["CPU", "GPU"]

_ZSTD = 0.5
"""Compressed size of text (assumed)."""
_ROW_BYTES = 100
"""Ids, numbers and ten probabilities of a row, compressed (assumed)."""
_ADAM_BYTES = 12
"""Of each trained parameter in a checkpoint: its float32 copy and two moments."""
_ADAPTER_SHARE = 0.003
"""Parameters of rank-16 adapters on q, k, v and o, as a share of a model of 7 B."""
_CHECKPOINTS = 2
"""Checkpoints that training keeps."""


@dataclass(frozen=True)
class Workers:
    """Processes of one table, as Ray reserves them."""

    count: int
    each: float
    """CPUs or GPUs of one."""
    device: Device = "CPU"

    def at_once(self, cluster: Cluster) -> int:
        """As many of them as the cluster has room for."""
        room = cluster.cpus if self.device == "CPU" else cluster.gpus
        return min(self.count, int(room // self.each)) if self.each else self.count


@dataclass(frozen=True)
class Stage:
    """One table of a run."""

    step: str
    table: str
    rows_in: Count
    rows_out: Count
    workers: Workers
    engine_starts: int = 0
    read: Count = 0
    """Tokens of prompts (in training: of all prompts over all epochs)."""
    written: Count = 0
    """Tokens of answers."""
    seconds: Count = None
    gpu_hours: Count = 0
    gigabytes: Count = 0
    note: str = ""


def times(count: Count, *factors: Count) -> Count:
    """Product, or None if a factor is unknown."""
    for factor in factors:
        if count is None or factor is None:
            return None
        count = count * factor
    return count


def added(*counts: Count) -> Count:
    """Sum, or None if a term is unknown."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def at_most(count: Count, limit: float | None) -> Count:
    """The smaller one; the limit, if only that is known."""
    known = [value for value in (count, limit) if value is not None]
    return min(known) if known else None


@dataclass(frozen=True)
class Basis:
    """What the stages are computed from."""

    settings: Settings
    cluster: Cluster
    source_rows: Count
    lengths: Lengths
    policy: ModelSize | None
    judge: ModelSize | None
    """The model that the judge starts from."""
    embedding: ModelSize | None

    @property
    def instructions(self) -> Count:
        """Instructions kept, at most."""
        return at_most(self.source_rows, self.settings.collect.max_instructions)

    @property
    def responses(self) -> Count:
        """Answers sampled, at most."""
        return times(self.instructions, self.settings.sample.responses_per_instruction)

    def in_split(self, split: str) -> Count:
        """Answers to instructions of one split, as expected of the hash."""
        how = self.settings.collect
        share = {"test": how.test_fraction, "calibration": how.calibration_fraction}
        return times(self.responses, share.get(split, 1 - how.test_fraction - how.calibration_fraction))


def planned_stages(basis: Basis) -> list[Stage]:
    """All tables of a run, in order."""
    makers: list[Callable[[Basis], Stage]] = [_collect, _sample, _self_evaluate, _compare, _train, _judge, _ask_policy, _report]
    return [maker(basis) for maker in makers]


def _collect(basis: Basis) -> Stage:
    workers = Workers(basis.settings.collect.workers, 1)
    rate = rates.ROWS_PER_CORE * max(1, workers.at_once(basis.cluster))
    kept = times(basis.instructions, 2 * (_ROW_BYTES + _ZSTD * basis.lengths.characters) / 1e9)
    seconds = added(2 * rates.POOL_START_SECONDS, times(basis.source_rows, 1 / rate))
    return Stage("collect", "instructions", basis.source_rows, basis.instructions, workers, seconds=seconds, gigabytes=kept)


def _sample(basis: Basis) -> Stage:
    """The answers to one instruction share its prompt, which is read once."""
    lengths = basis.lengths
    read, written = times(basis.instructions, lengths.answer_prompt), times(basis.responses, lengths.response)
    size = times(basis.responses, (_ROW_BYTES + _ZSTD * lengths.response_characters) / 1e9)
    return _engine_stage(basis, "sample", "responses", basis.responses, read, written, basis.policy, size)


def _self_evaluate(basis: Basis) -> Stage:
    """The answers to one instruction share all that stands before the answer."""
    lengths = basis.lengths
    shared = times(basis.instructions, lengths.rating_reference - lengths.response)
    read = added(shared, times(basis.responses, lengths.response))
    return _engine_stage(basis, "score", "self_evaluations", basis.responses, read, 0, basis.policy, _narrow(basis.responses))


def _compare(basis: Basis) -> Stage:
    """Embeddings of answers and references."""
    how = basis.settings.score
    workers = (
        Workers(how.embedding_workers, how.embedding_gpus, "GPU") if how.embedding_gpus else Workers(how.embedding_workers, 1)
    )
    texts = added(basis.instructions, basis.responses)
    read = times(texts, basis.lengths.embedded)
    starts = rates.CPU_START_SECONDS + rates.POOL_START_SECONDS
    seconds = added(starts, _compute(read, 0, basis.embedding, _speed(workers, basis.cluster)))
    return Stage(
        "score", "similarities, scored", basis.responses, basis.responses, workers, 0, read, 0,
        seconds, _gpu_hours(seconds, workers, basis.cluster), times(_narrow(basis.responses), 2),
    )  # fmt: skip


def _train(basis: Basis) -> Stage:
    how = basis.settings.train
    examples = at_most(basis.in_split("train"), how.max_examples)
    pair = min(basis.lengths.rating, how.max_tokens) + min(basis.lengths.rating_reference, how.max_tokens)
    tokens = times(examples, how.epochs, pair)
    workers = Workers(how.workers, how.gpus_per_worker, "GPU") if how.gpus_per_worker else Workers(how.workers, how.threads)
    speed = _speed(workers, basis.cluster)
    seconds = _training_seconds(basis, examples, tokens, pair, speed) if speed else None
    steps = "" if examples is None else f"{steps_of(int(examples), how.batch_size, how.epochs):,} steps"
    return Stage(
        "train", "judge", basis.in_split("train"), examples, workers, 0, tokens, 0, seconds,
        _gpu_hours(seconds, workers, basis.cluster), _judge_gigabytes(basis, examples, pair), steps,
    )  # fmt: skip


def _per_token(basis: Basis) -> Count:
    """Operations of one trained token: 6 a parameter, without gradients of frozen weights 4, with recomputation 2 more."""
    how = basis.settings.train
    factor = (4 if how.lora else 6) + (2 if how.gradient_checkpointing else 0)
    return None if basis.judge is None else factor * basis.judge.computing


def _training_seconds(basis: Basis, examples: Count, tokens: Count, pair: float, speed: Speed) -> Count:
    steps = times(tokens, _per_token(basis), 1 / speed.learn)
    return added(rates.CPU_START_SECONDS + rates.POOL_START_SECONDS, steps, _validation_seconds(basis, examples, pair, speed))


def _validation_seconds(basis: Basis, examples: Count, pair: float, speed: Speed) -> Count:
    how = basis.settings.train
    looked_at = at_most(basis.in_split("calibration"), how.validation_examples)
    if examples is None or looked_at is None:
        return None
    rounds = max(1, steps_of(int(examples), how.batch_size, how.epochs) // how.validate_every)
    return _compute(rounds * looked_at * pair, 0, basis.judge, speed)


def _judge_gigabytes(basis: Basis, examples: Count, pair: float) -> Count:
    """Token ids of the examples, the judge, and the checkpoints."""
    how = basis.settings.train
    if basis.judge is None:
        return None
    trained = _ADAPTER_SHARE * basis.judge.parameters if how.lora else basis.judge.parameters
    weights = 2 if how.precision == "bfloat16" else 4
    model = trained * (weights + _CHECKPOINTS * (weights + _ADAM_BYTES)) / 1e9
    return added(times(examples, pair * 4 * _ZSTD / 1e9), model)


def _judge(basis: Basis) -> Stage:
    rows = times(_held_out(basis), 2)
    read = times(_held_out(basis), basis.lengths.rating + basis.lengths.rating_reference)
    return _engine_stage(basis, "evaluate", "judged", rows, read, 0, basis.judge, _narrow(rows))


def _ask_policy(basis: Basis) -> Stage:
    rows = _held_out(basis)
    return _engine_stage(
        basis, "evaluate", "judged_by_policy", rows, times(rows, basis.lengths.rating), 0, basis.policy, _narrow(rows)
    )


def _held_out(basis: Basis) -> Count:
    return added(basis.in_split("test"), basis.in_split("calibration"))


def _report(basis: Basis) -> Stage:
    rows = basis.in_split("test")
    seconds = added(5, times(rows, basis.settings.evaluate.bootstrap / rates.RESAMPLED_ROWS))
    return Stage("report", "report", rows, rows, Workers(1, 1), seconds=seconds, gigabytes=0.002)


def _narrow(rows: Count) -> Count:
    return times(rows, _ROW_BYTES / 1e9)


def _engine_stage(
    basis: Basis, step: str, table: str, rows: Count, read: Count, written: Count, model: ModelSize | None, gigabytes: Count
) -> Stage:
    engine, cluster = basis.settings.engine, basis.cluster
    workers = engine_workers(engine, cluster)
    speed = _engine_speed(engine, workers, cluster)
    start = rates.GPU_START_SECONDS if workers.device == "GPU" else rates.CPU_START_SECONDS
    seconds = added(start, _compute(read, written, model, speed))
    hours = _gpu_hours(seconds, workers, cluster)
    return Stage(step, table, rows, rows, workers, workers.count, read, written, seconds, hours, gigabytes)


def engine_workers(engine: EngineSettings, cluster: Cluster) -> Workers:
    """The engines of one table, on GPUs or CPUs as the engine step itself decides."""
    on_gpu = engine.device == "gpu" or (engine.device == "auto" and cluster.gpus > 0)
    return Workers(engine.workers, engine.tensor_parallel, "GPU") if on_gpu else Workers(engine.workers, engine.cpus_per_worker)


def _engine_speed(engine: EngineSettings, workers: Workers, cluster: Cluster) -> Speed | None:
    """Engines on CPU compute with their threads, however many CPUs are reserved for them."""
    if workers.device == "GPU" or not workers.at_once(cluster):
        return _speed(workers, cluster)
    threads = engine.threads or cluster.cpus
    return rates.cpu_speed(min(cluster.cpus, threads * workers.at_once(cluster)))


def _speed(workers: Workers, cluster: Cluster) -> Speed | None:
    """What the workers that find room compute together; None if none does."""
    count = workers.at_once(cluster) * workers.each
    if not count:
        return None
    return rates.gpu_speed(cluster.gpu, count) if workers.device == "GPU" else rates.cpu_speed(count)


def _compute(read: Count, written: Count, model: ModelSize | None, speed: Speed | None) -> Count:
    """Seconds to read and write tokens, 2 operations a parameter each."""
    if model is None or speed is None:
        return None
    return added(times(read, 2 * model.computing / speed.read), times(written, 2 * model.computing / speed.write))


def _gpu_hours(seconds: Count, workers: Workers, cluster: Cluster) -> Count:
    if workers.device == "CPU":
        return 0
    return times(seconds, workers.at_once(cluster) * workers.each / 3600)
