"""What settings have in common: marks of fields, for fingerprints; the name and the folder of what is made."""

from dataclasses import field
from typing import Any

ADDED = {"added": True}
"""Mark of a field that came later than the first finished runs: while it has its default it is no part of a fingerprint."""


def resource(default: Any) -> Any:
    """A field that does not change the result, only where and how fast it is made."""
    return field(default=default, metadata={"resource": True})


def added(default: bool | int | float | str | None) -> Any:
    """A field that came later, with its default."""
    return field(default=default, metadata=ADDED)


def name_limit(name: str, setting: str = "name") -> tuple[bool, str]:
    """Whether a name can be a folder's, and what is said where it cannot (selfj.arguments.check_limits)."""
    return bool(name) and "/" not in name, f"{setting}: a plain folder name is expected"


def folder_of(runs: str, name: str) -> str:
    """Address of the folder `name` below the folder of runs."""
    return f"{runs.rstrip('/')}/{name}"
