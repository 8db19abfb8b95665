"""How fast tokens are read, written and learnt from, and what hardware there is: constants, each with its source."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

CPU_READ = 5.6e10
"""Floating-point operations per second and core when a prompt is read: 16,000 tokens/s of a 3.5 M-parameter model on two
cores (docs/settings.md), 2 operations per parameter and token."""
CPU_WRITE = 1.6e10
"""The same when text is written: 4,500 tokens/s."""
CPU_LEARN = 7.3e10
"""The same in training: 7,000 tokens/s, 6 operations per parameter and token."""

GPU_READ = 0.40
"""Share of a GPU's peak when a prompt is read (assumed)."""
GPU_WRITE = 0.10
"""Share of a GPU's peak when text is written in large batches: half of what vLLM is reported to reach with Llama 3.1 8B on
one H100 (12,500 tokens/s, morphllm.com/vllm-benchmarks), since answers end at different times."""
GPU_LEARN = 0.35
"""Share of a GPU's peak in training: the low end of the usual 35 to 55 %."""

CPU_START_SECONDS = 15.0
"""From a free worker to a loaded engine on CPU, measured with the pocket model."""
GPU_START_SECONDS = 60.0
"""The same on a GPU, without reading the weights (assumed)."""
GPU_LOAD = 2.0
"""Gigabytes of weights per second that an engine reads (assumed: a local NVMe disk; a network's may be a tenth of it)."""
POOL_START_SECONDS = 4.0
"""From a begun table to working CPU workers without a model."""
JOB_START_SECONDS = 15.0
"""Ray's start, once."""
NODE_START_SECONDS = 300.0
"""From the autoscaler's wish to a node that works: machine, image, weights (assumed)."""
NODE_IDLE_SECONDS = 300.0
"""How long a node is kept that has nothing to do (cluster/*.yaml)."""
SPOT_LOSS = 0.1
"""Share of the work that is made again when spot nodes are taken away (assumed)."""
ROWS_PER_CORE = 2_000.0
"""Rows per second and core that are read, filtered and written (assumed)."""
RESAMPLED_ROWS = 2e6
"""Rows times resamples per second behind the report's intervals (assumed)."""


@dataclass(frozen=True)
class Gpu:
    """One kind of GPU, from its maker's data sheet."""

    teraflops: float
    """Dense bfloat16 peak."""
    gigabytes: float


GPUS = {
    "a10": Gpu(125, 24),
    "l4": Gpu(121, 24),
    "l40s": Gpu(362, 48),
    "a100-40": Gpu(312, 40),
    "a100": Gpu(312, 80),
    "h100": Gpu(989, 80),
    "h200": Gpu(989, 141),
}
DEFAULT_GPU = "h100"


@dataclass(frozen=True)
class Cluster:
    """The machines a run would have, all together."""

    cpus: float
    """Of all nodes together."""
    gpus: int = 0
    """Of all nodes together."""
    gpu: Gpu = GPUS[DEFAULT_GPU]
    gpu_name: str = DEFAULT_GPU
    described: str = ""
    """Where these numbers come from, in words."""
    nodes: int = 1
    """Equal machines that CPUs and GPUs are spread over; a worker lies on one of them."""


def machines(nodes: int = 1, cpus: float | None = None, gpus: int | None = None, gpu_name: str = DEFAULT_GPU) -> Cluster:
    """Equal nodes with this machine's cores and GPUs, or as many of each as are named."""
    here = nodes == 1 and cpus is None and gpus is None
    cores = float(os.cpu_count() or 1) if cpus is None else cpus
    count = visible_gpus() if gpus is None else gpus
    words = "this machine" if here else "as given"
    return Cluster(nodes * cores, nodes * count, GPUS[gpu_name], gpu_name, words, nodes)


def visible_gpus(devices: Path = Path("/dev")) -> int:
    """NVIDIA GPUs of this machine, counted as device files."""
    if not devices.is_dir():
        return 0
    return sum(bool(re.fullmatch(r"nvidia\d+", name.name)) for name in devices.iterdir())


@dataclass(frozen=True)
class Speed:
    """Floating-point operations per second of some cores or GPUs."""

    read: float
    write: float
    learn: float


def cpu_speed(cores: float) -> Speed:
    """Speed of some CPU cores."""
    return Speed(CPU_READ * cores, CPU_WRITE * cores, CPU_LEARN * cores)


def gpu_speed(gpu: Gpu, count: float) -> Speed:
    """Speed of some GPUs."""
    peak = gpu.teraflops * 1e12 * count
    return Speed(GPU_READ * peak, GPU_WRITE * peak, GPU_LEARN * peak)
