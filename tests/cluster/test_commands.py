"""The commands of docs/cluster.md: the files, options, scripts and settings they name exist. Only `selfj plan` is run."""

import re
import shlex

import click
import pytest
from ray.dashboard.modules.job.cli import job_cli_group
from ray.scripts.scripts import cli as ray_cli

from selfj.cli import _parser, main
from selfj.config import read_settings
from tests.cluster.manifests import ROOT, manifest

PAGE = (ROOT / "docs" / "cluster.md").read_text()
COMMANDS = [
    line.strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if line.strip() and not line.startswith("#")
]


def words(command: str) -> list[str]:
    """A command's words, without its comment, redirection and variables' values."""
    return [word for word in shlex.split(command, comments=True) if word not in ("&", ">")]


def of(*program: str) -> list[list[str]]:
    """The page's commands that begin with these words; at least one."""
    found = [words(command) for command in COMMANDS]
    chosen = [command for command in found if command[: len(program)] == list(program)]
    assert chosen, program
    return chosen


def parsed(command: click.Command, arguments: list[str]) -> click.Context:
    """What Ray's own command line makes of some arguments."""
    return command.make_context(command.name, list(arguments))


def test_the_page_has_commands_for_each_kind_of_cluster() -> None:
    assert len(COMMANDS) > 30 and {words(command)[0] for command in COMMANDS} >= {"docker", "ray", "kubectl", "selfj", "aws"}


def test_every_file_that_a_command_names_is_there() -> None:
    named = [
        word
        for command in COMMANDS
        for word in words(command)
        if re.match(r"(cluster|configs|ray_jobs|requirements)/[\w/]+\.\w+$", word)
    ]
    assert len(named) > 15 and [name for name in named if not (ROOT / name).exists()] == []


def test_every_placeholder_that_is_replaced_is_in_a_file() -> None:
    for command in of("sed", "-i"):
        _, old, _, _ = command[2].split("#")
        files = [file for pattern in command[3:] for file in ROOT.glob(pattern)]
        assert files and any(old in file.read_text() for file in files), old


@pytest.mark.parametrize("name", ["up", "down", "dashboard", "get-auth-token"])
def test_ray_knows_the_options(name: str) -> None:
    for command in of("ray", name):
        arguments = command[2:3] if name == "get-auth-token" else command[2:]
        parsed(ray_cli.commands[name], arguments)


def test_ray_knows_the_options_of_jobs_and_our_scripts_read_their_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for command in of("ray", "job", "submit"):
        context = parsed(job_cli_group.commands["submit"], command[3:])
        program, script, *arguments = context.params["entrypoint"]
        assert program == "python" and (ROOT / script).is_file()
        assert read_settings(arguments).engine.device == "gpu", "`auto` would find no GPU in a cluster that begins empty"
    for command in of("ray", "job", "logs"):
        parsed(job_cli_group.commands["logs"], command[3:])


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("selfj plan")])
def test_what_is_planned_can_start(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert main(words(command)[1:]) == 0, capsys.readouterr().out


def test_the_page_shows_what_the_plan_prints(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    (shown,) = re.findall(r"```\n(storage: .*?)```", PAGE, re.DOTALL)
    main(of("selfj", "plan")[0][1:])
    assert shown in capsys.readouterr().out


def test_selfj_knows_its_other_options() -> None:
    _parser().parse_args(of("selfj", "status")[0][1:])
    inside = [command[command.index("selfj") :] for command in of("docker", "run") if "selfj" in command]
    _parser().parse_known_args(inside[0][1:])


def test_secrets_are_created_under_the_names_and_keys_that_the_manifests_use() -> None:
    created = {
        command[4]: command[5].removeprefix("--from-literal=").partition("=")[0]
        for command in of("kubectl", "create", "secret", "generic")
    }
    text = (ROOT / "cluster/kuberay/pipeline.yaml").read_text() + (ROOT / "cluster/kuberay/endpoint.yaml").read_text()
    used = dict(re.findall(r"secretKeyRef: \{name: ([\w-]+), key: (\w+)", text))
    assert created == {
        **used,
        manifest("kuberay/pipeline.yaml")["spec"]["rayClusterSpec"]["authOptions"]["secretName"]: "auth_token",
    }


def test_the_objects_that_kubectl_looks_at_are_those_of_the_manifests() -> None:
    names = {kind: manifest(f"kuberay/{kind}.yaml")["metadata"]["name"] for kind in ("pipeline", "endpoint")}
    text = " ".join(COMMANDS)
    for part in ("rayjob {pipeline}", "job/{pipeline}", "rayservice {endpoint}", "svc/{endpoint}-serve-svc"):
        assert part.format(**names) in text


@pytest.mark.parametrize(
    ("option", "path"), [("--role-name", "IamInstanceProfile"), ("--instance-profile-name", "IamInstanceProfile")]
)
def test_the_role_on_aws_is_the_one_that_the_nodes_have(option: str, path: str) -> None:
    profile = manifest("ray_up/aws.yaml")["available_node_types"]["head"]["node_config"][path]["Name"]
    assert {command[command.index(option) + 1] for command in of("aws", "iam") if option in command} == {profile}


def test_the_secrets_of_ray_up_are_written_where_the_files_mount_them_from() -> None:
    (folder,) = [command[-1] for command in of("install", "-d")]
    for file in ("aws", "on_premise"):
        assert list(manifest(f"ray_up/{file}.yaml")["file_mounts"].values()) == [folder]
    assert of("ray", "get-auth-token")[0][-1] == f"{folder}/auth_token"
