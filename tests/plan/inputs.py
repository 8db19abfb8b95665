"""Rows, and model folders without weights: of a model, a plan looks at the headers, the tokenizer and the config."""

import json
import struct
from pathlib import Path

from tests.tiny_models import make_tokenizer

SHAPES = {
    "model.embed_tokens.weight": [1000, 64],
    "model.layers.0.self_attn.q_proj.weight": [64, 64],
    "model.layers.0.self_attn.v_proj.weight": [64, 64],
    "model.norm.weight": [64],
}
PARAMETERS = 1000 * 64 + 2 * 64 * 64 + 64


def write_header(file: Path, shapes: dict[str, list[int]]) -> None:
    """A safetensors file that ends after its header."""
    tensors = {name: {"dtype": "BF16", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()}
    header = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header)


def write_policy(folder: Path, *, template: bool = True, digits: bool = True) -> Path:
    """A model folder that a plan can measure with."""
    folder.mkdir(parents=True)
    make_tokenizer("qwen", digits, template).save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    write_header(folder / "model.safetensors", SHAPES)
    return folder


def row(i: int) -> dict[str, str]:
    """The i-th row of a source."""
    return {"instruction": f"What is {i} plus one?", "output": f"It is {i + 1}."}


def lines(count: int) -> str:
    """Rows as JSON Lines, without a last line end."""
    return "\n".join(json.dumps(row(i)) for i in range(count))
