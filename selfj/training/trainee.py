"""The model under training: a Hugging Face causal language model, or adapters on it, inside a DeepSpeed engine."""

import contextlib
import inspect
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfj.config import LoopSettings
from selfj.errors import ModelError
from selfj.training.batches import Batch
from selfj.training.deepspeed import deepspeed_config

if TYPE_CHECKING:
    import torch

_TAG = "state"


class Trainee:
    """One process's share of the model.

    Args:
        base: folder or Hugging Face name of the model to start from.
        settings: of the loop.
        seed: of the adapters' first weights.
        device: where this process computes.

    Raises ModelError, in one line, if the model cannot be loaded or has no layers for the adapters.
    """

    def __init__(self, base: str, settings: LoopSettings, seed: int, device: "torch.device", revision: str | None = None) -> None:
        import deepspeed

        _settle_deepspeed()
        deepspeed.init_distributed(dist_backend="nccl" if device.type == "cuda" else "gloo", verbose=False)
        self.settings = settings
        self.device = device
        config = deepspeed_config(settings)
        model = _load_model(base, revision, settings, seed, config, device)
        self._takes_positions = "position_ids" in inspect.signature(_plain(model).forward).parameters
        learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
        with contextlib.redirect_stdout(io.StringIO()):  # its bfloat16 optimizer prints ten lines about memory
            self.engine: Any = deepspeed.initialize(model=model, config=config, model_parameters=learnt)[0]

    @property
    def lora(self) -> bool:
        """Whether only adapters are trained."""
        return self.settings.lora is not None

    def logits(self, batch: Batch) -> "torch.Tensor":
        """Logits of the last `batch.kept` positions of each row: (examples, rows, kept, vocabulary)."""
        positions = {"position_ids": batch.position_ids} if self._takes_positions else {}
        logits = self.engine(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            use_cache=False,
            logits_to_keep=batch.kept,
            **positions,
        ).logits
        return logits.view(*batch.targets.shape, logits.shape[-1])

    @contextlib.contextmanager
    def without_adapters(self) -> Iterator[None]:
        """The model as it was before training, with the same weights: adapters are switched off."""
        with self.engine.module.disable_adapter():
            yield

    def backward(self, loss: "torch.Tensor", *, last: bool) -> None:
        """Add the gradients of a micro-batch; `last` says that the step ends with it, which is when workers exchange them.

        Gradients are averaged over the workers, so a sum over a worker's examples needs the factor workers / batch size
        for the step to follow the mean over the batch.
        """
        self.engine.set_gradient_accumulation_boundary(last)
        self.engine.backward(loss)

    def step(self, rate: float) -> None:
        """Move the weights with learning rate `rate`."""
        for group in self.engine.optimizer.param_groups:
            group["lr"] = rate
        self.engine.step()

    def train(self, mode: bool = True) -> None:
        """Dropout on (or off, for a validation)."""
        self.engine.train(mode)

    def save_state(self, folder: str) -> None:
        """This process's share of weights and optimizer states; all processes call it, each with a folder of its own."""
        os.makedirs(f"{folder}/{_TAG}", exist_ok=True)
        self.engine.save_checkpoint(folder, tag=_TAG, save_latest=False, exclude_frozen_parameters=self.lora)

    def load_state(self, folder: str) -> None:
        """Go on from what `save_state` of equally many processes left, all of it in one folder.

        Raises ModelError if it is not there.
        """
        path, _ = self.engine.load_checkpoint(folder, tag=_TAG, load_module_strict=not self.lora)
        if path is None:
            raise ModelError(f"{folder}: the checkpoint is not complete; throw it away with --restart-from")

    def write_model(self, folder: Path, base: str) -> None:
        """Write the model as Hugging Face does, adapters as peft does and with `base` as the name of their base.

        All processes call it, the first one writes.
        """
        state = self._gathered_state()
        if self.engine.global_rank != 0:
            return
        module = self.engine.module
        if self.lora:
            module.peft_config["default"].base_model_name_or_path = base
            module.save_pretrained(folder, state_dict=state, save_embedding_layers=False)
        else:
            module.config.use_cache = True
            module.save_pretrained(folder, state_dict=state)

    def _gathered_state(self) -> dict[str, "torch.Tensor"]:
        """Whole weights on the first process's CPU, one at a time where ZeRO 3 has scattered them."""
        first = self.engine.global_rank == 0
        state = {}
        for name, parameter in self.engine.module.named_parameters():
            if self.lora and not parameter.requires_grad:
                continue
            with _whole(parameter):
                if first:
                    state[name] = parameter.detach().to("cpu", copy=True)
        return {**self._buffers(), **state} if first else {}

    def _buffers(self) -> dict[str, "torch.Tensor"]:
        module = self.engine.module
        named = {name for name, _ in module.named_parameters(remove_duplicate=False)}
        return {} if self.lora else {name: value for name, value in module.state_dict().items() if name not in named}


def _settle_deepspeed() -> None:
    """Let DeepSpeed speak of problems only, and compile nothing."""
    import logging

    import deepspeed.ops
    from deepspeed.utils import logger

    logging.getLogger().setLevel(logging.WARNING)
    logger.setLevel(logging.ERROR)
    # A shared-memory all-reduce for inference on CPUs: a minute of C++ on every new machine, for nothing that is used here.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


@contextlib.contextmanager
def _whole(parameter: "torch.nn.Parameter") -> Iterator[None]:
    import deepspeed

    with deepspeed.zero.GatheredParameters([parameter], enabled=hasattr(parameter, "ds_id")):
        yield


def _load_model(
    base: str, revision: str | None, settings: LoopSettings, seed: int, config: dict[str, Any], device: "torch.device"
) -> Any:
    import torch
    from transformers.integrations import HfDeepSpeedConfig

    keep = (
        HfDeepSpeedConfig(config) if settings.zero_stage == 3 else None
    )  # while it lives, weights are scattered as they are read
    model = _pretrained(base, revision, settings, device)
    del keep
    model.config.use_cache = False
    if settings.gradient_checkpointing:
        # ZeRO 3 works with the reentrant kind only, which needs inputs that ask for gradients.
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": settings.zero_stage == 3})
        model.enable_input_require_grads()
    torch.manual_seed(seed)
    return _with_adapters(model, base, settings) if settings.lora else model


def _pretrained(base: str, revision: str | None, settings: LoopSettings, device: "torch.device") -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    options: dict[str, Any] = {"revision": revision, "dtype": getattr(torch, settings.precision)}
    if device.type == "cpu" and settings.precision == "bfloat16":
        # The backward pass of torch's fused attention is so slow there that it takes a third of all the time.
        options["attn_implementation"] = "eager"
    try:
        return AutoModelForCausalLM.from_pretrained(base, **options)
    except (OSError, ValueError) as problem:
        raise ModelError(f"{base}: the model to train could not be loaded: {' '.join(str(problem).split())[:300]}") from None


def _with_adapters(model: Any, base: str, settings: LoopSettings) -> Any:
    import peft

    assert settings.lora is not None
    wanted = settings.lora
    adapters = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=wanted.rank,
        lora_alpha=wanted.alpha,
        lora_dropout=wanted.dropout,
        target_modules=list(wanted.modules),
    )
    try:
        return peft.get_peft_model(model, adapters)
    except ValueError as problem:
        modules, why = ", ".join(wanted.modules), " ".join(str(problem).split())[:160]
        raise ModelError(f"{base}: no layers are named {modules}; set lora.modules to this model's names ({why})") from None


def _plain(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model
