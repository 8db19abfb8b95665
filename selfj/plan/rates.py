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
"""The same on a GPU (assumed; very large models take minutes)."""
POOL_START_SECONDS = 4.0
"""From a begun table to working CPU workers without a model."""
JOB_START_SECONDS = 15.0
"""Ray's start, once."""
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
    gpus: int = 0
    gpu: Gpu = GPUS[DEFAULT_GPU]
    gpu_name: str = DEFAULT_GPU
    described: str = ""
    """Where these numbers come from, in words."""


def this_machine(cpus: float | None = None, gpus: int | None = None, gpu_name: str = DEFAULT_GPU) -> Cluster:
    """This machine's cores and GPUs, or as many as are named."""
    here = cpus is None and gpus is None
    cores = float(os.cpu_count() or 1) if cpus is None else cpus
    count = visible_gpus() if gpus is None else gpus
    return Cluster(cores, count, GPUS[gpu_name], gpu_name, "this machine" if here else "as given")


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
