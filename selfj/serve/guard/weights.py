"""Only safetensors are served: a pickled weights file runs whatever its author wrote into it."""

from pathlib import Path

from selfj.errors import ModelError


def check_weights(folder: str) -> None:
    """Raise ModelError if a local model or adapter folder has no safetensors; a name on the hub is left to the engine."""
    path = Path(folder)
    if not path.is_dir():
        return
    wanted = "adapter_model.safetensors" if (path / "adapter_config.json").is_file() else "*.safetensors"
    if not any(path.glob(wanted)):
        raise ModelError(f"{folder}: no {wanted}; the endpoint loads no pickled weights (.bin, .pt), convert them first")
