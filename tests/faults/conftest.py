"""A small run, made once up to each step, and the scripts that go on with it."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from selfj.collect.step import collect
from selfj.config import load_settings
from selfj.run import RunFolder
from tests.faults.commands import INSTRUCTIONS, LIMIT_S, SCRIPT, command, copy
from tests.tiny_models import make_model


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of a small run: eight parts, a training of many short steps."""
    folder = tmp_path_factory.mktemp("faults")
    model = make_model(folder / "model", "qwen")
    settings = {
        "prompts": "short",
        "policy": {"model": str(model), "name": "tiny"},
        "collect": {
            "sources": [{"path": "selfj.pocket.world:instructions", "rows": INSTRUCTIONS}],
            "rows_per_part": 20,
            "test_fraction": 0.2,
            "calibration_fraction": 0.1,
        },
        "engine": {"device": "cpu", "threads": 1},
        "sample": {"max_tokens": 16},
        "train": {
            "max_examples": None,
            "epochs": 12,
            "batch_size": 8,
            "max_tokens": 400,
            "checkpoint_every": 4,
            "validate_every": 50,
            "validation_examples": 8,
        },
    }
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def prepared(config: Path, ray_local: None) -> Callable[[str], RunFolder]:
    """A run folder in which every step before the one named is finished; each step is run once and copied.

    Collecting is not interrupted here, and so needs no process of its own.
    """
    made: dict[str, RunFolder] = {}

    def up_to(step: str) -> RunFolder:
        steps = list(SCRIPT)
        before: RunFolder | None = None
        for name in steps[: steps.index(step)]:
            if name not in made:
                made[name] = copy(before, name, config)
                if name == "collect":
                    collect(made[name], load_settings(config))
                else:
                    assert command(config, made[name], name).wait(LIMIT_S) == 0
            before = made[name]
        return copy(before, step, config)

    return up_to


@pytest.fixture
def ended() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Commands whose whole process group is ended after the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
