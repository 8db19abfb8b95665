"""`selfj collect`: the first step alone."""

import argparse
from typing import TYPE_CHECKING, Any

from selfj.commands.configuring import add_config

if TYPE_CHECKING:
    from selfj.config import Settings
    from selfj.run import RunFolder


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommand."""
    parser = commands.add_parser(
        "collect",
        help="the first step alone: instructions from all sources, and why the others were rejected",
        description="Collect instructions from the sources of a settings file, like ray_jobs/collect.py, and describe them in a "
        "data card (card/index.html and card/card.md in the run folder). The same command again goes on where it was stopped.",
        epilog="Example: selfj collect configs/shared_data.yaml --explain --collect.filters.markup.enabled true",
        allow_abbrev=False,
    )
    add_config(parser)
    parser.add_argument("--explain", action="store_true", help="show what each filter rejected, with examples")
    parser.add_argument("--examples", type=int, default=3, metavar="N", help="examples of each filter (default: %(default)s)")
    parser.add_argument(
        "--card",
        metavar="FILE",
        help="write the data card to this place too: as a page if its name ends in .html, else as Markdown",
    )
    parser.set_defaults(run=run, takes_settings=True)


def run(options: argparse.Namespace, overrides: list[str]) -> int:
    """Collect what is not collected yet; explain it; describe it."""
    from selfj.config import load_settings
    from selfj.jobs import run_steps

    settings = load_settings(options.config, *overrides)
    folder = run_steps(settings, ["collect"])
    if options.explain:
        from selfj.collect import step_counts
        from selfj.collect.explain import explain, explained_lines

        lines = explained_lines(explain(folder, settings.collect, options.examples), step_counts(folder).rows_in)
        print("\n".join(lines), flush=True)
    _write_cards(folder, settings, options.card)
    return 0


def _write_cards(folder: "RunFolder", settings: "Settings", copy: str | None) -> None:
    """Both data cards into the run folder, and one of them where the user wants it."""
    from pathlib import Path

    from selfj.card import HTML, MARKDOWN, write_cards

    cards = write_cards(folder, settings)
    print(f"data card: {folder.path(HTML)}", flush=True)
    if copy:
        Path(copy).write_text(cards[HTML if copy.endswith(".html") else MARKDOWN], encoding="utf-8")
        print(f"data card: {copy}", flush=True)
