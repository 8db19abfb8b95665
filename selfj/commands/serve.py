"""`selfj serve`: the judge endpoint of a run."""

import argparse
from typing import Any


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommand."""
    parser = commands.add_parser(
        "serve",
        help="the judge endpoint: answers that can be trusted, or an honest refusal",
        description="Serve a finished run: its policy answers, its judge decides whether the answer is given. Speaks OpenAI's "
        "chat completions; see docs/serving.md. On the Ray cluster of RAY_ADDRESS, or on a local one. Ctrl-C drains and stops.",
        epilog="Example: SELFJ_API_KEYS=secret selfj serve runs/pocket --port 8000 --promise quality=0.7",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="RUN", help="folder of a finished run: local, or any fsspec address")
    parser.add_argument_group(
        "settings",
        "After RUN: any setting, as --section.field VALUE, or --config FILE (python ray_jobs/serve.py --help lists them).",
    )
    parser.set_defaults(run=run, takes_settings=True)


def run(options: argparse.Namespace, overrides: list[str]) -> int:
    """Serve until it is stopped."""
    from selfj.serve.launch import serve_run
    from selfj.serve.settings import read_serve_settings

    serve_run(read_serve_settings([*overrides, "--run", options.folder], "selfj serve"))
    return 0
