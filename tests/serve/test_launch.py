"""How the endpoint is configured and started, as far as that needs no engine."""

import socket
from pathlib import Path

import pytest
import yaml

from selfj.cli import main
from selfj.config import EngineSettings
from selfj.errors import SettingsError
from selfj.serve.launch import settings_of
from selfj.serve.served import ServedRun
from selfj.serve.settings import ServeSettings
from tests.serve.folders import make_run
from tests.serve.ports import free_port

ROOT = Path(__file__).parents[2]


def test_arguments_of_serve_deploy_become_settings() -> None:
    settings = settings_of({"run": "runs/x", "judge_replicas": {"min_replicas": 2, "max_replicas": 4}, "engine": {"threads": 3}})
    assert settings.judge_replicas.max_replicas == 4 and settings.engine.threads == 3
    assert settings.policy_replicas == ServeSettings().policy_replicas


def test_arguments_of_serve_deploy_go_over_a_file_of_settings(tmp_path: Path) -> None:
    (tmp_path / "serve.yaml").write_text("run: runs/x\nport: 8123\ndrain_s: 5\n")
    settings = settings_of({"config": str(tmp_path / "serve.yaml"), "port": 8124})
    assert (settings.run, settings.port, settings.drain_s) == ("runs/x", 8124, 5)


def test_unknown_arguments_of_serve_deploy_are_named() -> None:
    with pytest.raises(SettingsError, match="replicas"):
        settings_of({"run": "runs/x", "replicas": 3})


def test_the_settings_people_start_from_are_the_defaults() -> None:
    assert settings_of({"config": str(ROOT / "configs/serve.yaml")}) == ServeSettings(run="runs/pocket")


def test_the_file_for_serve_deploy_is_valid_for_ray_and_for_us() -> None:
    from ray.serve.schema import ServeDeploySchema

    file = yaml.safe_load((ROOT / "cluster/serve.yaml").read_text())
    (application,) = ServeDeploySchema.model_validate(file).applications
    assert application.import_path == "selfj.serve.launch:build"
    assert settings_of(application.args).policy_replicas.min_replicas == 2


def test_engines_share_the_cores_unless_threads_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    apart, shared = make_run(tmp_path / "apart"), make_run(tmp_path / "shared", adapter=True)
    assert ServedRun.of(ServeSettings(run=str(apart))).engine.threads == 4
    assert ServedRun.of(ServeSettings(run=str(shared))).engine.threads == 8
    assert ServedRun.of(ServeSettings(run=str(apart), engine=EngineSettings(threads=3))).engine.threads == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--port", "70000"], "port: 1 to 65535"),
        (["--access.open", "true", "--host", "0.0.0.0"], "access.open"),
        (["--judge_replicas.max_replicas", "0"], "judge_replicas"),
        (["--judge_replicas.target_ongoing_requests", "0"], "judge_replicas.target_ongoing_requests: above 0"),
        (["--policy_replicas.upscale_delay_s", "-1"], "policy_replicas: delays of at least 0"),
        (["--prot", "1"], "prot"),
    ],
)
def test_bad_settings_are_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "runs/none", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path), "--access.open", "true", "--port", str(free_port())]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {tmp_path}: no answers of a policy") and error.count("\n") == 1


def test_a_port_in_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        assert main(["serve", str(make_run(tmp_path / "run")), "--access.open", "true", "--port", port]) == 2
    error = capsys.readouterr().err
    errors = [line for line in error.splitlines() if line.startswith("error: ")]  # a Ray of other tests may show its own words
    assert len(errors) == 1 and f"port: 127.0.0.1:{port} cannot be listened on" in errors[0]


def test_an_unknown_promise_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path / "run")
    assert main(["serve", str(run), "--access.open", "true", "--promise", "quality=0.99", "--port", str(free_port())]) == 2
    assert "quality=0.7" in capsys.readouterr().err
