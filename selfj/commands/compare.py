"""`selfj compare`: two finished runs side by side."""

import argparse
import json
from pathlib import Path
from typing import Any

from selfj.errors import SelfJError

STATISTICS = ("pearson", "spearman", "auroc", "prr", "aurc", "excess_aurc", "within_family")
"""Those of selfj.study.statistics, repeated so that --help stays quick; a test compares them."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommand."""
    parser = commands.add_parser(
        "compare",
        help="two finished runs side by side, with intervals of the difference",
        description="Every method of two finished runs, and the difference (second less first) with its 95 % interval. It is "
        "paired on the same answers where both judged these, else on the same instructions, else not at all; it says which. "
        "Needs no Ray.",
        epilog="Example: selfj compare runs/pocket runs/pocket_longer --html compare.html",
        allow_abbrev=False,
    )
    parser.add_argument("first", metavar="RUN_A", help="folder of a finished run: local, or any fsspec address")
    parser.add_argument("second", metavar="RUN_B", help="another, or the same with another policy")
    parser.add_argument("--metric", choices=STATISTICS, default="pearson", help="what the table shows (default: %(default)s)")
    parser.add_argument("--html", metavar="FILE", help="write a page too")
    parser.add_argument("--json", action="store_true", help="all metrics, for machines")
    parser.add_argument("--bootstrap", type=int, default=1000, metavar="N", help="resamples (default: %(default)s)")
    parser.set_defaults(run=run, takes_settings=False)


def run(options: argparse.Namespace, _: list[str]) -> int:
    """Compare and print; with --html also write the page."""
    from selfj.study.compare import compare_runs, comparison_html, comparison_text

    comparisons = compare_runs(options.first, options.second, options.bootstrap)
    if options.html:
        _write(options.html, comparison_html(comparisons))
    if options.json:
        print(json.dumps([comparison.as_dict() for comparison in comparisons], indent=1, ensure_ascii=False), flush=True)
    else:
        print("\n\n".join(comparison_text(comparison, options.metric) for comparison in comparisons), flush=True)
    return 0


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, "utf-8")
    except OSError as problem:
        raise SelfJError(f"--html: {path} cannot be written ({problem.strerror or problem})") from None
