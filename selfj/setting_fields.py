"""What a setting is to the fingerprint of a run, said at its field."""

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
