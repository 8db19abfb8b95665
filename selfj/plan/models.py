"""How large a model is, from its safetensors headers or its name; nothing is loaded."""

import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path

_UNITS = {"m": 1e6, "b": 1e9}
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![A-Za-z0-9])", re.IGNORECASE)
_LONGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""


@dataclass(frozen=True)
class ModelSize:
    """Parameters of a model."""

    parameters: float
    """All of them: what must fit in memory."""
    computing: float
    """Those that each token passes: what takes time."""
    source: str
    """Where the number comes from, in words."""
    layers: frozenset[str] = frozenset()
    """Last names of its linear layers (q_proj, …); empty if they cannot be known."""


def model_size(model: str, folder: Path | None) -> ModelSize | None:
    """Size of a model from the headers in its folder, else from its name (`Qwen2.5-7B`, `8x7B`), else None."""
    return (size_from_headers(folder) if folder else None) or size_from_name(model)


def size_from_headers(folder: Path) -> ModelSize | None:
    """Parameters counted from the headers of all safetensors files, or None if a file is missing or damaged."""
    files = sorted(folder.glob("*.safetensors"))
    try:
        if not files or not _is_complete(folder, files):
            return None
        shapes = {name: shape for file in files for name, shape in tensor_shapes(file).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error):
        return None
    total = sum(map(math.prod, shapes.values()))
    # An encoder looks its embeddings up; a decoder multiplies with them (or with as large a head) to write a token.
    looked_up = sum(math.prod(shape) for name, shape in shapes.items() if "embeddings." in name)
    layers = frozenset(name.split(".")[-2] for name, shape in shapes.items() if name.endswith(".weight") and len(shape) == 2)
    return ModelSize(total, total - looked_up, "safetensors headers", layers)


def _is_complete(folder: Path, files: list[Path]) -> bool:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return True
    needed = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return needed <= {file.name for file in files}


def tensor_shapes(file: Path) -> dict[str, list[int]]:
    """Shape of each tensor in a safetensors file: 8 bytes give the length of the JSON header that follows.

    Raises ValueError or OSError if the file is no whole header.
    """
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        if length > _LONGEST_HEADER:
            raise ValueError(f"{file}: a header of {length:,} bytes")
        header = json.loads(stream.read(length))
    return {name: tensor["shape"] for name, tensor in header.items() if name != "__metadata__"}


def size_from_name(model: str) -> ModelSize | None:
    """Parameters that the last part of a name states; experts are all counted as computing, which overstates the cost."""
    found = _SIZE.search(model.rstrip("/").rsplit("/", 1)[-1])
    if found is None:
        return None
    experts, number, unit = found.groups()
    parameters = int(experts or 1) * float(number) * _UNITS[unit.lower()]
    return ModelSize(parameters, parameters, f"“{found.group()}” in its name")


def local_folder(model: str, revision: str | None = None) -> Path | None:
    """The folder of a model that is on this machine: a path, or a Hugging Face name in the local cache; else None."""
    if Path(model).is_dir():
        return Path(model)
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(model, revision=revision, local_files_only=True))
    except (ImportError, OSError, ValueError):
        return None


def looks_local(model: str) -> bool:
    """Whether a model's address can only be a folder, since no Hugging Face name is written so."""
    return model.startswith(("/", ".", "~")) or model.count("/") > 1 or Path(model).exists()
