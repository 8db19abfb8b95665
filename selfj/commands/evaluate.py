"""`selfj evaluate`: methods against the gold or the preferences of any table."""

import argparse
from typing import TYPE_CHECKING, Any

from selfj.commands.scoring import add_columns, add_methods, columns_of, scorers_of
from selfj.errors import SelfJError

if TYPE_CHECKING:
    from selfj.evaluate.data.evaluate import DataJob

METHODS = ("cosine", "cosine_whole", "length")


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommand."""
    parser = commands.add_parser(
        "evaluate",
        help="methods against the gold or the preferences of any table",
        description="Score the answers of a table (Parquet, JSONL, JSON, CSV) by methods that need no policy, and compare with "
        "the table's gold or preferences. Needs no Ray. Writes metrics.json, table.md, predictions.parquet, rejected.parquet.",
        epilog="Examples: selfj evaluate --data scored.parquet --gold gpt4 --judge runs/pocket;  "
        "selfj evaluate --data pairs.jsonl --prefer votes;  "
        "selfj evaluate --data rewardbench.parquet --chosen chosen --judge runs/pocket --rewardbench me/judge",
        allow_abbrev=False,
    )
    _add_table(parser)
    parser.add_argument("--good", type=float, metavar="X", help="gold from which an answer is good (default: the median)")
    parser.add_argument(
        "--rewardbench", default="", metavar="ORG/MODEL", help="write the pairs' scores in RewardBench's format too"
    )
    parser.add_argument(
        "--methods", default="cosine,length", metavar="LIST", help=f"of {', '.join(METHODS)} (default: %(default)s)"
    )
    add_methods(parser)
    parser.set_defaults(run=run, takes_settings=False)


def _add_table(parser: argparse.ArgumentParser) -> None:
    """What is evaluated, and against what."""
    parser.add_argument("--data", required=True, metavar="FILE", help="file, folder or hf:// address")
    parser.add_argument("--out", default="evaluation", metavar="FOLDER", help="where the results go (default: %(default)s)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--gold", metavar="COLUMN", help="gold of an answer: a number, or a list of numbers (graded several times)")
    what.add_argument(
        "--prefer", metavar="COLUMN", help="votes on response_a and response_b: 0 or tie, 1 or a, 2 or b; or a list"
    )
    what.add_argument(
        "--chosen",
        metavar="COLUMN",
        help="the preferred answer of a pair; --rejected names the other; or lists of right and of wrong answers (best of N)",
    )
    add_columns(
        parser,
        response_a="first answer of a pair (default: response_a)",
        response_b="second answer of a pair (default: response_b)",
        rejected="the other answer, with --chosen (default: rejected)",
        id="a row's own id (default: id)",
    )


def run(options: argparse.Namespace, _: list[str]) -> int:
    """Evaluate, print the table, and say where the results lie."""
    from selfj.evaluate.data.evaluate import evaluate_data
    from selfj.evaluate.data.table import markdown

    job = _job(options)
    metrics = evaluate_data(job)
    print(f"{markdown(metrics)}\n{job.out}/metrics.json", flush=True)
    return 0


def _job(options: argparse.Namespace) -> "DataJob":
    from selfj.evaluate.data.evaluate import DataJob
    from selfj.evaluate.data.scoring import Resampling

    pairs = options.gold is None
    if options.rewardbench and not pairs:
        raise SelfJError("--rewardbench: RewardBench is about pairs; give --prefer or --chosen instead of --gold")
    return DataJob(
        data=options.data,
        out=options.out.rstrip("/"),
        columns=columns_of(options, gold=options.gold, prefer=options.prefer, key=options.id and [options.id], **_sides(options)),
        pairs=pairs,
        methods=scorers_of(options, _built_in(options), f"{options.out.rstrip('/')}/cache"),
        resampling=Resampling(options.bootstrap, options.seed),
        good=options.good,
        limit=options.limit,
        rewardbench=options.rewardbench,
    )


def _sides(options: argparse.Namespace) -> dict[str, list[str]]:
    """The columns of a pair's answers."""
    if options.chosen:
        return {"first": [options.chosen], "second": [options.rejected or "rejected"]}
    return {"first": [options.response_a or "response_a"], "second": [options.response_b or "response_b"]}


def _built_in(options: argparse.Namespace) -> list[str]:
    return [name.strip() for name in options.methods.split(",") if name.strip()]
