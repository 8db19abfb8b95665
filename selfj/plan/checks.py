"""What would make a run fail, found before it starts; each problem is one line that says what to do."""

import dataclasses
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from selfj.collect.sources import check_names, name_of
from selfj.config import ModelSettings, Settings
from selfj.engine import check_model_folder
from selfj.errors import SelfJError
from selfj.plan.basis import Basis, Count, Stage
from selfj.plan.models import ModelSize, looks_local
from selfj.plan.rates import Cluster
from selfj.sample import check_policy
from selfj.store import Store

_SETTING_OF_TABLE = {
    "collect": "collect.workers",
    "similarities, scored": "score.embedding_workers or embedding_gpus",
    "judge": "train.workers, train.threads or train.gpus_per_worker",
}
_ENGINE_SETTING = "engine.workers, cpus_per_worker or tensor_parallel"
_TRAINED_BYTES = 16
"""Of a fully trained parameter: weight and gradient in bfloat16, float32 copy and two moments."""


def problems(basis: Basis, stages: list[Stage], policy_folder: Path | None, judge_folder: Path | None) -> list[str]:
    """One line for each thing that would make the run fail."""
    settings = basis.settings
    found = [
        *_raised(lambda: check_names([name_of(source) for source in settings.collect.sources])),
        *_raised(lambda: _check_policy(settings.policy, policy_folder, settings)),
        *_base_model_problems(settings, judge_folder),
        *_lora_problems(settings, basis.judge),
        *_raised(lambda: _check_embedding_model(settings)),
        *_raised(lambda: _check_gold(settings)),
        *_room_problems(stages, basis.cluster),
        *_memory_problems(basis),
        *(run_folder_problems(settings.run_folder, stages) if basis.cluster.nodes == 1 else []),  # else it is not of this machine
    ]
    return list(dict.fromkeys(found))


def _raised(check: Callable[[], None]) -> list[str]:
    try:
        check()
    except SelfJError as problem:
        return [str(problem)]
    return []


def _check_policy(policy: ModelSettings, folder: Path | None, settings: Settings) -> None:
    """The sample step's own check, as far as it needs no network."""
    check_model_folder(policy.model)
    if folder is not None:
        check_policy(dataclasses.replace(policy, model=str(folder), revision=None), settings)


def _base_model_problems(settings: Settings, folder: Path | None) -> list[str]:
    base = settings.train.base_model
    if base is None or base == settings.policy.model:
        return []
    found = _raised(lambda: _check_policy(ModelSettings(model=base), folder, settings))
    return [f"train.base_model: {line.removesuffix('; check policy.model')}" for line in found]


def _lora_problems(settings: Settings, judge: ModelSize | None) -> list[str]:
    lora = settings.train.lora
    if lora is None or judge is None or not judge.layers:
        return []
    absent = [name for name in lora.modules if name not in judge.layers]
    known = ", ".join(sorted(judge.layers))
    return [f"train.lora.modules: the model has no layer {name}; it has {known}" for name in absent]


def _check_embedding_model(settings: Settings) -> None:
    from selfj.score.similarity import embedding_folder

    folder = embedding_folder(settings.score.embedding_model)
    files = (Path(folder) / "modules.json", Path(folder) / "config.json")
    if looks_local(folder) and not any(file.is_file() for file in files):
        raise SelfJError(f"score.embedding_model: {folder} is no folder of a sentence-transformers model")


def _check_gold(settings: Settings) -> None:
    from selfj.evaluate.gold import gold_source

    gold_source(settings.evaluate)


def _room_problems(stages: list[Stage], cluster: Cluster) -> list[str]:
    """Workers that Ray would wait for without end: a training starts with all of its workers, a pool with at least one."""
    if not cluster.gpus and any(stage.workers.device == "GPU" for stage in stages):
        return [
            "the settings ask for GPUs, none found; --gpus N plans for a cluster that has them, configs/pocket.yaml needs none"
        ]
    return [_no_room(stage, cluster) for stage in stages if stage.workers.at_once(cluster) < _needed_at_once(stage)]


def _needed_at_once(stage: Stage) -> int:
    return stage.workers.count if stage.step == "train" else 1


def _no_room(stage: Stage, cluster: Cluster) -> str:
    workers, setting = stage.workers, _SETTING_OF_TABLE.get(stage.table.rsplit("/", 1)[-1], _ENGINE_SETTING)
    have = cluster.cpus if workers.device == "CPU" else cluster.gpus
    if not workers.on_one_node(cluster) and cluster.nodes > 1:
        each = f"{workers.each:g} {workers.device}s on one node"
        return f"{stage.step}: a worker needs {each}, a node has {have / cluster.nodes:g}; change {setting}"
    needed = _needed_at_once(stage) * workers.each
    return f"{stage.step}: needs {needed:g} {workers.device}s at once, {have:g} found; change {setting}"


def fewer_workers(stages: list[Stage], cluster: Cluster) -> list[str]:
    """Stages whose workers do not all find room at once: slower, but no failure."""
    short = [(stage, stage.workers.at_once(cluster)) for stage in stages if stage.step != "train"]
    return [
        f"{stage.step}: {stage.table}: only {room} of {stage.workers.count} workers find room at once"
        for stage, room in short
        if 0 < room < stage.workers.count
    ]


def _memory_problems(basis: Basis) -> list[str]:
    """Weights alone must fit; what else needs memory is not counted, so these are certain."""
    return [*_engine_memory(basis), *_training_memory(basis)]


def _engine_memory(basis: Basis) -> list[str]:
    engine, gpu = basis.settings.engine, basis.cluster.gpu
    if basis.policy is None or not basis.cluster.gpus or engine.device == "cpu":
        return []
    size = 4 if basis.settings.policy.dtype == "float32" else 2
    needed = basis.policy.parameters * size / 1e9
    room = engine.tensor_parallel * gpu.gigabytes * engine.gpu_memory_utilization
    if needed <= room or "quantization" in engine.options:
        return []
    return [
        f"engine: the policy's weights take {needed:.0f} GB, {engine.tensor_parallel} × {basis.cluster.gpu_name} "
        f"have {room:.0f} GB for them; raise engine.tensor_parallel"
    ]


def _training_memory(basis: Basis) -> list[str]:
    how, gpu = basis.settings.train, basis.cluster.gpu
    if basis.judge is None or not how.gpus_per_worker:
        return []
    shares = {0: (1, 1), 1: (1, how.workers), 2: (1, how.workers), 3: (how.workers, how.workers)}
    weights, states = shares[how.zero_stage]
    size = 2 if how.precision == "bfloat16" else 4
    kept_here = 0 if how.lora or how.offload_optimizer else _TRAINED_BYTES - size
    needed = basis.judge.parameters * (size / weights + kept_here / states) / 1e9
    if needed <= gpu.gigabytes:
        return []
    return [
        f"train: weights and optimizer states take {needed:.0f} GB of each {basis.cluster.gpu_name}, "
        f"which has {gpu.gigabytes:g} GB; raise train.zero_stage or train.workers, or train with lora"
    ]


def run_folder_problems(address: str, stages: list[Stage]) -> list[str]:
    """A run folder that cannot be written, or whose disk is too small; local folders only, and nothing is written."""
    if not Store(address).is_local:
        return []
    place = Path(address.removeprefix("file://")).absolute()
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    if not there.is_dir():
        return [f"{address}: {there} is a file, not a folder; choose another folder with --runs"]
    if not os.access(there, os.W_OK | os.X_OK):
        return [f"{address}: {there} cannot be written; choose another folder with --runs"]
    return _disk_problems(address, there, [stage.gigabytes for stage in stages])


def _disk_problems(address: str, there: Path, gigabytes: list[Count]) -> list[str]:
    needed = sum(size for size in gigabytes if size is not None)
    free = shutil.disk_usage(there).free / 1e9
    if needed <= free:
        return []
    return [f"{address}: needs about {needed:.1f} GB, {free:.1f} GB are free; free space or choose another folder with --runs"]
