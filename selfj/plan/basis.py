"""What a plan is computed from, and what one table of it says; how long engines and workers take for some tokens."""

import math
from dataclasses import dataclass
from typing import Literal

from selfj.config import EngineSettings, Settings
from selfj.plan import rates
from selfj.plan.lengths import Lengths
from selfj.plan.models import ModelSize
from selfj.plan.rates import Cluster, Speed

Count = float | None
"""A number to expect; None where it cannot be known before the run."""
Device = Literal["CPU", "GPU"]

ZSTD = 0.5
"""Compressed size of text (assumed)."""
ROW_BYTES = 100
"""Ids, numbers and ten probabilities of a row, compressed (assumed)."""


@dataclass(frozen=True)
class Workers:
    """Processes of one table, as Ray reserves them."""

    count: int
    each: float
    """CPUs or GPUs of one."""
    device: Device = "CPU"

    def on_one_node(self, cluster: Cluster) -> int:
        """As many of them as one node has room for."""
        room = (cluster.cpus if self.device == "CPU" else cluster.gpus) / cluster.nodes
        return int(room // self.each) if self.each else self.count

    def at_once(self, cluster: Cluster) -> int:
        """As many of them as the cluster has room for; none is spread over two nodes."""
        return min(self.count, cluster.nodes * self.on_one_node(cluster))

    def nodes(self, cluster: Cluster) -> int:
        """Nodes that those at once lie on, packed as closely as they fit; 0 if none finds room."""
        fit = self.on_one_node(cluster)
        return math.ceil(self.at_once(cluster) / fit) if fit else 0


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

    @property
    def tests(self) -> Count:
        """Test instructions, as expected of the hash."""
        return times(self.instructions, self.settings.collect.test_fraction)

    def in_split(self, split: str) -> Count:
        """Answers to instructions of one split, as expected of the hash."""
        how = self.settings.collect
        share = {"test": how.test_fraction, "calibration": how.calibration_fraction}
        return times(self.responses, share.get(split, 1 - how.test_fraction - how.calibration_fraction))


def held_out(basis: Basis) -> Count:
    """Answers to instructions of the test and calibration splits."""
    return added(basis.in_split("test"), basis.in_split("calibration"))


def narrow(rows: Count) -> Count:
    """Gigabytes of rows of ids and numbers."""
    return times(rows, ROW_BYTES / 1e9)


def engine_stage(
    basis: Basis, step: str, table: str, rows: Count, read: Count, written: Count, model: ModelSize | None, gigabytes: Count
) -> Stage:
    """A table that engines make."""
    engine, cluster = basis.settings.engine, basis.cluster
    workers = engine_workers(engine, cluster)
    speed = _engine_speed(engine, workers, cluster)
    seconds = added(_engine_start(workers, model), compute(read, written, model, speed))
    hours = gpu_hours(seconds, workers, cluster)
    return Stage(step, table, rows, rows, workers, workers.count, read, written, seconds, hours, gigabytes)


def _engine_start(workers: Workers, model: ModelSize | None) -> Count:
    """Seconds from a free worker to a loaded engine."""
    if workers.device == "CPU":
        return rates.CPU_START_SECONDS
    return None if model is None else rates.GPU_START_SECONDS + weights_gigabytes(model) / rates.GPU_LOAD


def weights_gigabytes(model: ModelSize, bytes_each: int = 2) -> float:
    """Gigabytes of a model's weights; in bfloat16, as nearly all models are published."""
    return model.parameters * bytes_each / 1e9


def engine_workers(engine: EngineSettings, cluster: Cluster) -> Workers:
    """The engines of one table, on GPUs or CPUs as the engine step itself decides."""
    on_gpu = engine.device == "gpu" or (engine.device == "auto" and cluster.gpus > 0)
    return Workers(engine.workers, engine.tensor_parallel, "GPU") if on_gpu else Workers(engine.workers, engine.cpus_per_worker)


def _engine_speed(engine: EngineSettings, workers: Workers, cluster: Cluster) -> Speed | None:
    """Engines on CPU compute with their threads, however many CPUs are reserved for them."""
    if workers.device == "GPU" or not workers.at_once(cluster):
        return speed_of(workers, cluster)
    threads = engine.threads or cluster.cpus / cluster.nodes
    return rates.cpu_speed(min(cluster.cpus, threads * workers.at_once(cluster)))


def speed_of(workers: Workers, cluster: Cluster) -> Speed | None:
    """What the workers that find room compute together; None if none does."""
    count = workers.at_once(cluster) * workers.each
    if not count:
        return None
    return rates.gpu_speed(cluster.gpu, count) if workers.device == "GPU" else rates.cpu_speed(count)


def compute(read: Count, written: Count, model: ModelSize | None, speed: Speed | None) -> Count:
    """Seconds to read and write tokens, 2 operations a parameter each."""
    if model is None or speed is None:
        return None
    return added(times(read, 2 * model.computing / speed.read), times(written, 2 * model.computing / speed.write))


def gpu_hours(seconds: Count, workers: Workers, cluster: Cluster) -> Count:
    """Time that workers hold GPUs."""
    if workers.device == "CPU":
        return 0
    return times(seconds, workers.at_once(cluster) * workers.each / 3600)
