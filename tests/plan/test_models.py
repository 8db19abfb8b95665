"""The size of a model, without loading it."""

import json
from pathlib import Path

import pytest

from selfj.plan.models import local_folder, looks_local, model_size, size_from_name
from tests.plan.inputs import PARAMETERS, SHAPES, write_header


def test_parameters_are_counted_in_the_headers_of_all_files(tmp_path: Path) -> None:
    write_header(tmp_path / "model-1.safetensors", SHAPES)
    write_header(tmp_path / "model-2.safetensors", {"lm_head.weight": [1000, 64]})
    size = model_size("anything", tmp_path)
    assert size is not None and size.parameters == PARAMETERS + 64_000 and size.source == "safetensors headers"
    assert {"q_proj", "v_proj", "lm_head"} <= size.layers and "norm" not in size.layers


def test_an_encoders_embeddings_are_looked_up_and_take_no_time(tmp_path: Path) -> None:
    write_header(
        tmp_path / "model.safetensors", {"embeddings.word_embeddings.weight": [30, 4], "encoder.layer.0.query.weight": [4, 4]}
    )
    size = model_size("encoder", tmp_path)
    assert size is not None and (size.parameters, size.computing) == (136, 16)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 7e9),
        ("Qwen/Qwen2.5-0.5B", 0.5e9),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 56e9),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", 135e6),
        ("meta-llama/Llama-3.1-8B-Instruct", 8e9),
        ("/models/70b/", 70e9),
    ],
)
def test_without_files_the_name_tells_the_size(name: str, parameters: float) -> None:
    size = size_from_name(name)
    assert size is not None and size.parameters == parameters


@pytest.mark.parametrize("name", ["microsoft/phi-3-mini-4k", "base", "model-v2.7", "70B-models/base"])
def test_a_name_without_a_size_tells_nothing(name: str) -> None:
    assert model_size(name, None) is None


def test_files_that_are_missing_or_damaged_are_not_counted(tmp_path: Path) -> None:
    write_header(tmp_path / "model-1.safetensors", SHAPES)
    (tmp_path / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
    )
    size = model_size("tiny-3M", tmp_path)
    assert size is not None and size.parameters == 3e6

    (tmp_path / "model.safetensors.index.json").unlink()
    for damage in (b"", b"\xff" * 8, b"\x05\x00\x00\x00\x00\x00\x00\x00[1,2]", b"\x10\x00\x00\x00\x00\x00\x00\x00{"):
        (tmp_path / "model-1.safetensors").write_bytes(damage)
        assert model_size("tiny", tmp_path) is None


def test_a_model_that_is_not_here_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a plan asks no network"))
    assert local_folder("nobody/never-seen-7B") is None
    assert local_folder("not a name at all") is None
    assert local_folder(str(tmp_path)) == tmp_path
    assert looks_local("a/b/c") and looks_local(str(tmp_path)) and not looks_local("nobody/never-seen-7B")
