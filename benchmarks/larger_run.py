"""A run with a larger judge of random weights: what a request costs around a model of a size that people serve.

Its scores mean nothing; its prompts, its tokens and its cost are those of a model of that shape.
"""

import contextlib
import json
import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def larger_run(run: str, layers: int, width: int) -> Iterator[str]:
    """A folder like `run` for as long as it is needed, with a judge of `layers` layers, `width` wide, in heads of 64."""
    with tempfile.TemporaryDirectory(prefix="larger-run-") as folder:
        place = Path(folder) / Path(run).name
        place.mkdir()
        for part in Path(run).resolve().iterdir():
            if part.name != "judge":
                (place / part.name).symlink_to(part)
        shutil.copytree(Path(run) / "judge", place / "judge")
        _widen(place / "judge", layers, width)
        yield str(place)


def parameters_of(run: str) -> int:
    """Parameters of a run's judge."""
    from safetensors import safe_open

    with safe_open(Path(run) / "judge" / "model.safetensors", "pt") as weights:
        return sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118


def _widen(folder: Path, layers: int, width: int) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config: Any = AutoConfig.from_pretrained(folder)
    config.num_hidden_layers, config.hidden_size, config.intermediate_size = layers, width, 11 * width // 4
    config.num_attention_heads = config.num_key_value_heads = width // config.head_dim
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config, dtype=config.dtype).save_pretrained(folder)


if __name__ == "__main__":
    import sys

    with larger_run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])) as made:
        print(json.dumps({"run": made, "parameters": parameters_of(made)}))
