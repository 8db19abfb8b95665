"""How settings become a DeepSpeed configuration."""

from typing import Any

from selfj.config import LoopSettings

_BUCKET = 50_000_000
"""Numbers reduced or gathered at a time: DeepSpeed's own default would set aside 2 GB in every process, also for a tiny model."""


def deepspeed_config(settings: LoopSettings) -> dict[str, Any]:
    """DeepSpeed's settings of one training.

    The batch size in it is a formality: the loop cuts micro-batches itself and says which one ends a step.
    """
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": settings.max_grad_norm,
        "optimizer": _optimizer(settings),
        "zero_optimization": _zero(settings),
        "zero_force_ds_cpu_optimizer": False,
        "zero_allow_untested_optimizer": True,
        "steps_per_print": 1 << 60,
        **_precision(settings),
    }


def _optimizer(settings: LoopSettings) -> dict[str, Any]:
    # torch_adam: DeepSpeed's own Adam kernels are compiled on first use, which needs a compiler on every machine.
    parameters = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay, "torch_adam": True}
    return {"type": "AdamW", "params": parameters}


def _zero(settings: LoopSettings) -> dict[str, Any]:
    zero: dict[str, Any] = {
        "stage": settings.zero_stage,
        "reduce_bucket_size": _BUCKET,
        "allgather_bucket_size": _BUCKET,
        "stage3_prefetch_bucket_size": _BUCKET,
    }
    if settings.offload_optimizer and settings.zero_stage:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": settings.gpus_per_worker > 0}
    return zero


def _precision(settings: LoopSettings) -> dict[str, Any]:
    if settings.precision == "float32":
        return {}
    # Without ZeRO, DeepSpeed can add up bfloat16 gradients only as bfloat16.
    return {"bf16": {"enabled": True}, **({"data_types": {"grad_accum_dtype": "fp32"}} if settings.zero_stage else {})}
