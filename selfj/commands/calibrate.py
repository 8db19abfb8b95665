"""`selfj calibrate`: a threshold that keeps a promise."""

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selfj.evaluate.calibrate.promise import Wanted

ON = ("auto", "gold", "label-free")
"""Those of selfj.evaluate.calibrate.rows, repeated so that --help stays quick; a test compares them."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommand."""
    parser = commands.add_parser(
        "calibrate",
        help="choose the score from which to answer, with a promise",
        description="Choose a threshold of the judge's score on the calibration split of a finished run, so that with the stated "
        "confidence the promise holds for further instructions of the same kind, and write it to the run's judge.json. Then look "
        "at the test split. Needs no Ray. Exit code 1, and nothing written, if no threshold can promise it.",
        epilog="Examples: selfj calibrate runs/pocket --min-quality 0.7;  selfj calibrate runs/pocket --coverage 0.8",
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="RUN", help="folder of a finished run: local, or any fsspec address")
    promise = parser.add_mutually_exclusive_group(required=True)
    promise.add_argument("--min-quality", type=float, metavar="Q", help="mean quality of what is answered: at least Q")
    promise.add_argument("--max-risk", type=float, metavar="R", help="mean of 1 - quality (on a scale of 0 to 1): at most R")
    promise.add_argument("--coverage", type=float, metavar="C", help="share of instructions that are answered: at least C")
    parser.add_argument("--confidence", type=float, default=0.95, metavar="P", help="that it holds (default: %(default)s)")
    parser.add_argument(
        "--on", choices=ON, default="auto", help="what quality is (default: gold if the run has any, else label-free)"
    )
    parser.add_argument(
        "--scale",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="ends of the gold's scale (default: the run's evaluate.gold_scale, else 0 1)",
    )
    parser.add_argument("--policy", metavar="NAME", help="whose answers, where the run has those of several policies")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(run=run, takes_settings=False)


def run(options: argparse.Namespace, _: list[str]) -> int:
    """Choose, write and print; 1 if it cannot be promised."""
    from selfj.evaluate.calibrate.step import as_dict, calibrate
    from selfj.evaluate.calibrate.words import outcome_text

    outcome = calibrate(options.folder, _wanted(options), options.on, options.policy)
    print(json.dumps(as_dict(outcome), indent=1) if options.json else outcome_text(outcome), flush=True)
    return 1 if outcome.entry is None else 0


def _wanted(options: argparse.Namespace) -> "Wanted":
    from selfj.evaluate.calibrate.promise import Unit, Wanted
    from selfj.evaluate.calibrate.rows import unit_of

    unit = Unit(*options.scale) if options.scale else unit_of(options.folder, options.on)
    if options.min_quality is not None:
        return Wanted("quality", options.min_quality, options.confidence, unit)
    if options.max_risk is not None:
        return Wanted("risk", options.max_risk, options.confidence, unit)
    return Wanted("coverage", options.coverage, options.confidence, unit)
