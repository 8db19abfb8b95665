"""A settings dataclass from YAML files and the command line, in one way for all jobs."""

import re
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from selfj.errors import SettingsError

Kind = TypeVar("Kind")


def settings_from(kind: type[Kind], arguments: Sequence[str] | None, program: str, subject: str = "settings") -> Kind:
    """Settings of a dataclass from `--config FILE` and `--field VALUE` arguments (by default the process's); later ones win.

    `--help` lists every field with the line of doc under it. Raises SettingsError, one line that begins with `subject`, for an
    unknown setting or a wrong type.
    """
    import jsonargparse

    jsonargparse.set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = jsonargparse.ArgumentParser(prog=program, description=kind.__doc__, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--config", action="config", help="YAML file with settings; may be given more than once")
    parser.add_class_arguments(kind, None)
    try:
        values = parser.instantiate(parser.parse_args(_with_underscores(arguments))).as_dict()
    except (jsonargparse.ArgumentError, TypeError, ValueError, OSError) as problem:
        raise SettingsError(f"{subject}: {' '.join(str(problem).split())} (see --help)") from None
    values.pop("config", None)
    return kind(**values)


def check_limits(limits: Iterable[tuple[bool, str]], subject: str = "settings") -> None:
    """Raise SettingsError, in one line that begins with `subject`, with the message of every limit that does not hold."""
    problems = [message for holds, message in limits if not holds]
    if problems:
        raise SettingsError(f"{subject}: " + "; ".join(problems))


def _with_underscores(arguments: Sequence[str] | None) -> list[str]:
    given = sys.argv[1:] if arguments is None else arguments
    return [re.sub(r"^--[\w.-]+", lambda name: "--" + name.group()[2:].replace("-", "_"), argument) for argument in given]
