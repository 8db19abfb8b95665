"""A LoRA adapter put into the weights of its base: what self-training starts from, and judges, is one ordinary model."""

from pathlib import Path

from selfj.errors import ModelError
from selfj.store import Store, local_copy


def merge_adapter(base: str, revision: str | None, adapter: str, output: str, precision: str) -> None:
    """Write the merged weights of `base` and the adapter in the folder `adapter` into the folder `output`.

    The sum is made in float32 and saved as `precision`, the number format of the training. Needs memory for the model in float32.

    Raises ModelError if one of the two cannot be loaded.
    """
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(base, revision=revision, dtype=torch.float32)
        merged = peft.PeftModel.from_pretrained(model, local_copy(adapter)).merge_and_unload()
    except (OSError, ValueError) as problem:
        raise ModelError(f"{adapter}: cannot be merged into {base}: {' '.join(str(problem).split())[:300]}") from None
    save_model(merged.to(getattr(torch, precision)), output)


def save_model(model: object, output: str) -> None:
    """Save a Hugging Face model, or a tokenizer, at an address: straight where that is local, else by way of a copy."""
    import tempfile

    store = Store(output)
    if store.is_local:
        Path(store.path("")).mkdir(parents=True, exist_ok=True)
        model.save_pretrained(store.path(""))  # type: ignore[attr-defined]
        return
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)  # type: ignore[attr-defined]
        for file in sorted(Path(folder).iterdir()):
            store.filesystem.put_file(str(file), store.path(file.name))
