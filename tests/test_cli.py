"""The console command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from selfj.cli import main
from selfj.commands import plan
from selfj.config import STEPS, Settings
from selfj.plan.rates import DEFAULT_GPU, GPUS
from selfj.run import RunFolder
from tests.plan.inputs import lines, write_policy
from tests.tables import instruction, write_instructions

HEAVY = ("torch", "vllm", "ray", "transformers", "pyarrow", "jsonargparse")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    (folder / "a.jsonl").write_text(lines(50))
    file = folder / "own.yaml"
    file.write_text(
        f"name: own\nruns: {folder}/runs\nprompts: short\npolicy: {{model: {write_policy(folder / 'policy')}}}\n"
        f"collect: {{sources: [{{path: {folder}/a.jsonl}}]}}\n"
    )
    return file


@pytest.mark.parametrize(
    "code",
    ["import selfj", "import selfj.cli; selfj.cli.main(['--help'])", "import selfj.cli; selfj.cli.main(['plan', '--help'])"],
)
def test_importing_and_helping_load_nothing_heavy(code: str) -> None:
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\nprint([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_status_needs_neither_torch_nor_ray(run_folder: RunFolder) -> None:
    write_instructions(run_folder, [instruction(0)])
    script = (
        f"import sys, selfj.cli; code = selfj.cli.main(['status', {run_folder.address!r}])\n"
        "print(code, [name for name in ('torch', 'vllm', 'ray', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_help_names_every_command_and_how_to_set_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0 and all(name in text for name in ("plan", "run", "status"))
    with pytest.raises(SystemExit):
        main(["plan", "--help"])
    assert "--section.field VALUE" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("selfj 0.")


def test_a_plan_takes_settings_and_a_cluster(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--cpus", "16", "--gpus", "2", "--gpu", "a100", "--sample.responses_per_instruction", "3", "--name", "other"]
    assert main(["plan", str(config), *arguments]) == 0
    text = capsys.readouterr().out
    assert "plan of other → " in text and "16 CPUs, 2 × a100" in text and " 150 " in text


def test_a_plan_that_would_fail_ends_with_one(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(config), "--policy.model", "./nothing"]) == 1
    assert "will fail: ./nothing: no model folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "CONFIG", "--sample.temprature", "1"], "temprature"),
        (["plan", "CONFIG", "--sample.temperature", "warm"], "temperature"),
        (["plan", "nothing.yaml"], "nothing.yaml"),
        (["plan", "CONFIG", "--gpu", "abacus"], "invalid choice: 'abacus'"),
        (["plan", "CONFIG", "--nodes", "0"], "--nodes"),
        (["plan"], "CONFIG (see selfj plan --help)"),
        (["status", "nowhere"], "no run is there"),
        (["status", "nowhere", "--verbose"], "unknown argument --verbose"),
        (["train"], "invalid choice: 'train'"),
        ([], "COMMAND (see selfj --help)"),
    ],
)
def test_what_a_user_can_mend_is_one_line_and_two(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main([str(config) if word == "CONFIG" else word for word in arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and words in line


def test_a_run_runs_the_whole_line(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[Settings] = []
    monkeypatch.setattr("selfj.jobs.run_steps", began.append)
    assert main(["run", str(config), "--restart-from", "train"]) == 0
    assert began[0].restart_from == "train" and "train" in STEPS


def test_an_interrupted_command_ends_quietly(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Settings) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("selfj.jobs.run_steps", interrupt)
    assert main(["run", str(config)]) == 130


def test_a_status_is_a_table_or_json(run_folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    write_instructions(run_folder, [instruction(i) for i in range(5)])
    assert main(["status", run_folder.address]) == 0
    assert "instructions" in capsys.readouterr().out
    assert main(["status", run_folder.address, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"][0]["tables"][1]["rows"] == 5


def test_the_gpus_of_the_command_are_those_of_the_rates() -> None:
    assert set(plan.GPUS) == set(GPUS) and DEFAULT_GPU in GPUS
