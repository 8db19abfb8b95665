"""kill -9 of the driver, of the engine and of a training worker between and in the rounds of self-training."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from selfj.run import RunFolder
from selfj.selfjudge.self_training.results import arm_folder, read_result
from tests.faults.commands import LIMIT_S, start
from tests.faults.test_interruption import kill_driver, kill_worker, wait_for
from tests.selfjudge.self_training.worlds import write_run
from tests.tiny_models import make_model
from tests.training.sessions import saved_weights

pytestmark = [pytest.mark.faults, pytest.mark.timeout(4 * LIMIT_S)]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of many short rounds, and the run they begin with."""
    folder = tmp_path_factory.mktemp("self-training")
    model = str(make_model(folder / "model", "qwen"))
    rounds = {
        "start": model, "rounds": 12, "round_prompts": 6, "batch_size": 6, "answer_tokens": 12, "final_prompts": 4,
        "validation_examples": 4, "validate_every": 4, "checkpoint_every": 2, "learning_rate": 0.01, "workers": 2,
    }  # fmt: skip
    settings = {
        "name": "run",
        "runs": str(folder),
        "prompts": "short",
        "policy": {"model": model, "name": "tiny", "context": 512},
        "preferences": {"sources": [{"path": "unused"}]},
        "engine": {"device": "cpu", "threads": 1},
        "self_training": rounds,
    }
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(settings))
    write_run(RunFolder(str(folder / "run")), prompts=20, tests=6)
    return path


@pytest.fixture
def started() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Commands that are ended after the test."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        if process.poll() is None:
            kill_driver(process)


def _command(config: Path, arm: str) -> "subprocess.Popen[bytes]":
    arguments = ["ray_jobs/self_train.py", "--config", str(config), "--self_training.arm", arm]
    return start(arguments, config.parent / f"{arm}.log")


def _run(config: Path) -> RunFolder:
    return RunFolder(str(config.parent / "run"))


@pytest.fixture(scope="module")
def uninterrupted(config: Path) -> RunFolder:
    """The arm that nobody disturbed."""
    assert _command(config, "whole").wait(LIMIT_S) == 0
    return arm_folder(_run(config), "whole")


@pytest.mark.parametrize("victim", ["driver", "EngineHost", "RayTrainWorker"])
def test_whoever_is_killed_the_same_command_ends_in_the_same_adapter(
    config: Path, uninterrupted: RunFolder, started: list["subprocess.Popen[bytes]"], victim: str
) -> None:
    arm = arm_folder(_run(config), victim)
    process = _command(config, victim)
    started.append(process)
    wait_for(lambda: arm.table("pairs").has(4), process)
    if victim == "driver":
        kill_driver(process)
        assert not arm.table("pairs").has(11), "the run had ended already"
        process = _command(config, victim)
        started.append(process)
    else:
        kill_worker(process, victim)
    assert process.wait(LIMIT_S) == 0
    one, other = (saved_weights(Path(folder.path("adapter"))) for folder in (uninterrupted, arm))
    assert all((one[name] == other[name]).all() for name in one)
    whole, again = (read_result(_run(config), name) for name in ("whole", victim))
    assert whole["rounds"] == again["rounds"] and whole["probes"] == again["probes"]
