"""Errors that a user can act on: one line that names the file, row or field, what was expected and what to do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class SelfJError(Exception):
    """A problem that its reader can fix; the commands print its one line instead of a stack trace."""


class SettingsError(SelfJError):
    """A setting is unknown, of the wrong type, or contradicts another."""


class RunFolderError(SelfJError):
    """The run folder cannot be used as asked: unwritable, made with other settings, or its counts do not reconcile."""


class ModelError(SelfJError):
    """A model folder lacks what a step needs: a chat template, single-token labels, a reachable base model."""


class DataError(SelfJError):
    """A data source cannot be read at all (a row that cannot be read is a reject, not an error)."""


def tell(problem: SelfJError) -> int:
    """Print a problem as one line on stderr; returns the exit status of a command that ends with it."""
    print(f"error: {problem}", file=sys.stderr, flush=True)
    return 2


@contextmanager
def told() -> Iterator[None]:
    """Around what a script does: a SelfJError is told, and ends the process."""
    try:
        yield
    except SelfJError as problem:
        raise SystemExit(tell(problem)) from None
