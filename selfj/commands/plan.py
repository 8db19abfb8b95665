"""`selfj plan`: what a run would do and cost."""

import argparse
from typing import Any

from selfj.commands.configuring import add_config

GPUS = ("a10", "l4", "l40s", "a100-40", "a100", "h100", "h200")
"""Keys of selfj.plan.rates.GPUS, repeated so that --help stays quick; a test compares them."""


def add(commands: "argparse._SubParsersAction[Any]") -> None:
    """Register the subcommand."""
    parser = commands.add_parser(
        "plan",
        help="what a run would do and cost, before it starts",
        description="Print the steps of a run with rows, workers, tokens, time and storage to expect, the assumptions behind "
        "them, and what would make it fail. Starts nothing. Exit code 1 if it would fail.",
        epilog="Example: selfj plan configs/llama_70b.yaml --nodes 4 --gpus-per-node 8 --price 98.32 --engine.workers 4",
        allow_abbrev=False,
    )
    add_config(parser)
    parser.add_argument("--nodes", type=_count, default=1, metavar="N", help="equal machines of the cluster (default: 1)")
    parser.add_argument("--cpus", "--cpus-per-node", type=float, metavar="N", help="CPUs of each (default: this machine's)")
    parser.add_argument("--gpus", "--gpus-per-node", type=int, metavar="N", help="GPUs of each (default: this machine's)")
    parser.add_argument("--gpu", choices=GPUS, default="h100", help="their kind (default: %(default)s)")
    parser.add_argument("--price", type=float, metavar="P", help="price of a node in an hour, in any currency: adds the cost")
    parser.add_argument("--spot-price", type=float, metavar="P", help="the same of a spot node, which may be taken away")
    parser.set_defaults(run=run, takes_settings=True)


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def run(options: argparse.Namespace, overrides: list[str]) -> int:
    """Plan and print; 1 if the run would fail."""
    from selfj.config import load_settings
    from selfj.plan.cost import Prices
    from selfj.plan.plan import make_plan
    from selfj.plan.rates import machines
    from selfj.plan.show import plan_text

    settings = load_settings(options.config, *overrides)
    plan = make_plan(settings, machines(options.nodes, options.cpus, options.gpus, options.gpu))
    print(plan_text(plan, Prices(options.price, options.spot_price)), flush=True)
    return 1 if plan.problems else 0
