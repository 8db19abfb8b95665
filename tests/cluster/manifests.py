"""The files of `cluster/` as the tests read them, and KubeRay's schemas, which refuse fields they do not know."""

import gzip
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "kuberay"


def manifest(path: str) -> dict[str, Any]:
    """A YAML file below `cluster/`."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "cluster" / path).read_text())
    return loaded


def schema(kind: str) -> dict[str, Any]:
    """KubeRay's schema of a kind; as a Kubernetes server does with `--validate=strict`, it refuses unknown fields."""
    with gzip.open(SCHEMAS / f"{kind.lower()}s.v1.schema.json.gz", "rt") as file:
        return strict(json.load(file))


def strict(part: Any) -> Any:
    """A schema whose objects have the properties that it names, and no others."""
    if isinstance(part, list):
        return [strict(item) for item in part]
    if not isinstance(part, dict):
        return part
    made = {name: strict(value) for name, value in part.items()}
    named = isinstance(made.get("properties"), dict) and "type" in made
    if named and "additionalProperties" not in made and not made.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    return made


def pods(cluster: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The pod specs of a Ray cluster's groups, by group name; the head's is `head`."""
    groups = {group["groupName"]: group["template"]["spec"] for group in cluster["workerGroupSpecs"]}
    return {"head": cluster["headGroupSpec"]["template"]["spec"], **groups}


def ray_start(commands: list[str]) -> list[str]:
    """Arguments behind `ray start` in the last of some shell commands."""
    _, _, arguments = commands[-1].partition("ray start ")
    return shlex.split(arguments)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """(keyword, rest) of each instruction of a Dockerfile, continued lines joined, comments left out."""
    text = (ROOT / "cluster" / "docker" / dockerfile).read_text()
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword:
            yield keyword, re.sub(r"\s+", " ", rest)


def values(dockerfile: str, keyword: str) -> list[str]:
    """What stands behind each instruction of one kind."""
    return [rest for found, rest in instructions(dockerfile) if found == keyword]
