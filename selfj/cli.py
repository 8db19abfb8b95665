"""The console command `selfj`. Nothing heavy is imported before a subcommand needs it."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from selfj import __version__
from selfj.commands import calibrate, collect, compare, evaluate, plan, rank, run, serve, status
from selfj.errors import SelfJError, tell

COMMANDS = (plan, run, collect, status, calibrate, serve, compare, evaluate, rank)
"""In the order of `selfj --help`; each module has `add`, which registers it, and `run`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; what a user can mend is one line `error: …` and exit code 2."""
    try:
        options, settings = _parser().parse_known_args(arguments)
        if settings and not options.takes_settings:
            raise SelfJError(f"unknown argument {settings[0]} (see selfj {options.command} --help)")
        return int(options.run(options, settings))
    except SelfJError as problem:
        return tell(problem)
    except KeyboardInterrupt:
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line instead of usage and message."""
        raise SelfJError(f"{message} (see {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="selfj", description="Self-J on Ray: teach a model to know when to decline.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"selfj {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
