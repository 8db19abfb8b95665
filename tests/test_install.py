"""requirements/install.py: once, whole or not at all, and in one line where it cannot."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "requirements" / "install.py"


@pytest.fixture
def commands(monkeypatch) -> list[list[str]]:
    """The commands that the script would have run."""
    run: list[list[str]] = []

    def note(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        run.append([str(word) for word in command])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    return run


@pytest.fixture
def install(tmp_path, monkeypatch, commands) -> ModuleType:
    """The script, with an empty .venv of its own."""
    monkeypatch.setenv("VENV", str(tmp_path / "venv"))
    monkeypatch.setattr(sys, "argv", ["install.py"])
    (tmp_path / "venv").mkdir()
    spec = importlib.util.spec_from_file_location("install_script", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pip_calls(commands: list[list[str]]) -> list[list[str]]:
    return [command for command in commands if "pip" in command]


def test_a_new_venv_gets_the_pinned_set_and_the_project_without_dependencies(install, commands):
    assert install.main() == 0
    pinned, project = pip_calls(commands)
    assert pinned[-5:] == ["--no-deps", "-r", "requirements/cpu.txt", "-r", "requirements/dev.txt"]
    assert project[-4:] == ["--no-deps", "--no-build-isolation", "--editable", "."]


def test_a_second_call_only_checks(install, commands):
    install.main()
    commands.clear()
    assert install.main() == 0
    assert [command[1:] for command in commands] == [["-m", "selfj.environment", "--quiet"]]


def test_a_changed_pin_installs_again(install, commands, monkeypatch):
    install.main()
    commands.clear()
    monkeypatch.setattr(install, "fingerprint", lambda: "another")
    install.main()
    assert len(pip_calls(commands)) == 2


def test_a_failed_install_leaves_no_stamp_and_names_the_command(install, monkeypatch, capsys):
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(subprocess, "run", fail)
    assert install.main() == 1
    assert not install.STAMP.exists()
    assert capsys.readouterr().err.startswith("install: this command failed, its own words are above: ")


def test_the_gpu_set_is_resolved_by_pip_and_kept_by_later_calls(install, commands, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["install.py", "--gpu"])
    install.main()
    assert [command[-2:] for command in pip_calls(commands)] == [["--editable", ".[gpu,dev]"]]
    monkeypatch.setattr(sys, "argv", ["install.py"])
    commands.clear()
    install.main()
    assert pip_calls(commands) == []


def test_fresh_empties_the_venv_first(install, commands, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["install.py", "--fresh"])
    install.main()
    assert commands[0][1:4] == ["-m", "venv", "--clear"]


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 15, 0)])
def test_another_python_is_refused_in_one_line(install, commands, monkeypatch, capsys, version):
    monkeypatch.setattr(sys, "version_info", version)
    assert install.main() == 1
    error = capsys.readouterr().err
    assert f"needs Python 3.11 to 3.14, this is {version[0]}.{version[1]}" in error and error.count("\n") == 1
    assert commands == []
