"""Memory of a self-training step: reference = adapter off, beside the same step with a separate reference model.

    python benchmarks/self_training_memory.py           prints the figures that benchmarks/selfjudge_table.py keeps

Each way runs in a process of its own, on a Llama of random weights: what it weighs is that of a model of its shape.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

WAYS = ("adapter_off", "separate_reference")
_PAIRS, _TOKENS = 4, 48


def measure(layers: int = 12, width: int = 768) -> dict[str, Any]:
    """{parameters, weights_gb, adapter_off: {copies, held_gb, peak_gb, loss}, separate_reference: the same}, GB of 1e9 bytes.

    `copies`: of the base weights in the training process, counted by their storage; `held_gb`: what they take; `peak_gb`: highest
    resident memory of the process during load, reference and one optimizer step, less what it had before loading a model.
    """
    with tempfile.TemporaryDirectory(prefix="self-training-memory-") as folder:
        parameters = _write_model(folder, layers, width)
        ways = {way: _in_own_process(folder, way) for way in WAYS}
    return {"parameters": parameters, "weights_gb": round(4 * parameters / 1e9, 3), **ways}


def _write_model(folder: str, layers: int, width: int) -> int:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        num_hidden_layers=layers, hidden_size=width, intermediate_size=11 * width // 4, num_attention_heads=width // 64,
        num_key_value_heads=width // 64, vocab_size=8192, max_position_embeddings=1024, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def _in_own_process(folder: str, way: str) -> dict[str, Any]:
    alone = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    computing = {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": str(os.cpu_count() or 1)}
    environment = {**os.environ, **alone, **computing, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, __file__, way, folder]
    found = subprocess.run(command, env=environment, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(f"{way}: {found.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(found.stdout.strip().splitlines()[-1])
    return result


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


def one_way(way: str, folder: str) -> dict[str, Any]:
    """Load, take the reference's log-probabilities and make one step, in this process."""
    loop = _loop(folder)
    before = _status("VmRSS")
    loop.trainee = _trainee(loop, folder)
    reference = _separate(folder) if way == "separate_reference" else None
    loop.examples = _referred(loop, reference)
    loss = _step(loop)
    bases = [loop.trainee.engine.module, *([reference] if reference is not None else [])]
    held = _base_bytes(bases)
    return {
        "copies": round(held / _base_bytes(bases[:1]), 2),
        "held_gb": round(held / 1e9, 3),
        "peak_gb": round((_status("VmHWM") - before) / 1e9, 3),
        "loss": loss,
    }


def _loop(folder: str) -> Any:
    """The loop of the self-training with everything but a model; all libraries are imported."""
    import deepspeed  # noqa: F401
    import peft  # noqa: F401
    import torch

    from selfj.config import LoraSettings
    from selfj.selfjudge.self_training.objective import DirectPreference
    from selfj.selfjudge.self_training.settings import SelfTrainingSettings
    from selfj.training.batches import BatchPlan
    from selfj.training.checkpoints import TrainingState
    from selfj.training.job import TrainingJob
    from selfj.training.loop import Loop
    from selfj.training.schedule import Schedule

    settings = SelfTrainingSettings(
        batch_size=_PAIRS, precision="float32", zero_stage=0, lora=LoraSettings(8, 16, 0.0), workers=1
    )
    job = TrainingJob("memory", folder, "", "", folder, folder, None, settings, DirectPreference(), seed=0)
    examples = _examples()
    lengths = np.array([example.length for example in examples])
    plan = BatchPlan(lengths, 2, _PAIRS, 1, settings.tokens_per_micro_batch, seed=0)
    schedule = Schedule(1e-4, "constant", 0, 1)
    return Loop(job, 0, 1, torch.device("cpu"), None, examples, [], plan, schedule, TrainingState())  # type: ignore[arg-type]


def _trainee(loop: Any, folder: str) -> Any:
    from selfj.training.trainee import Trainee

    return Trainee(folder, loop.job.settings, 0, loop.device)


def _separate(folder: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().requires_grad_(False)


def _examples() -> list[Any]:
    from selfj.training.examples import TRAIN, Example

    random = np.random.default_rng(0)
    rows = random.integers(10, 8000, (_PAIRS, 3, _TOKENS)).tolist()
    return [Example(str(number), TRAIN, [prompt, prompt], [a, b]) for number, (prompt, a, b) in enumerate(rows)]


def _referred(loop: Any, reference: Any) -> list[Any]:
    """The examples with their log-probabilities under the reference, by the one model or by the other."""
    import dataclasses

    import torch

    from selfj.selfjudge.losses import sequences
    from selfj.selfjudge.self_training.reference import with_reference
    from selfj.training.batches import NO_TARGET, collate

    if reference is None:
        return with_reference(loop, loop.examples)
    batch = collate(loop.examples, 0)
    with torch.no_grad():
        logits = reference(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids,
            logits_to_keep=batch.kept, use_cache=False,
        ).logits  # fmt: skip
    found = sequences(logits.view(*batch.targets.shape, -1), batch.targets, NO_TARGET).logprobs.tolist()
    return [dataclasses.replace(example, numbers=row) for example, row in zip(loop.examples, found, strict=True)]


def _step(loop: Any) -> float:
    from selfj.training.loop import step

    step(loop)
    return round(loop.state.sums["loss"] / loop.state.summed, 6)


def _base_bytes(models: list[Any]) -> int:
    """Bytes of the base weights, those that several share counted once."""
    tensors = {
        value.untyped_storage().data_ptr(): value.untyped_storage().nbytes()
        for model in models for name, value in model.named_parameters() if "lora_" not in name
    }  # fmt: skip
    return sum(tensors.values())


def _status(name: str) -> int:
    """A size of this process in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(one_way(sys.argv[1], sys.argv[2])))
    else:
        print(json.dumps(measure(), indent=1))
