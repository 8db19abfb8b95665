"""The endpoint under load and faults, beside a raw vLLM engine and `vllm serve`: same models, same prompts, same machine.

python benchmarks/serve.py --run runs/pocket                       all of it, below 20 minutes on two cores
python benchmarks/serve.py --run runs/pocket --parts judge --contenders raw selfj --clients 32

Numbers that are measured anew replace their own in results/serve.json and leave the others.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from contenders import RawContender, ServerContender, raw_engine, selfj_serve, vllm_serve  # noqa: E402
from larger_run import larger_run, parameters_of  # noqa: E402
from raw import Cell  # noqa: E402
from record import write_result  # noqa: E402
from serve_faults import TWO_REPLICAS, faults, overload  # noqa: E402
from serve_malformed import malformed  # noqa: E402
from serve_promises import held_out  # noqa: E402

RESULT = Path(__file__).parent / "results" / "serve.json"
SHAPES = {"judge": ("judge", 1, 6_000), "judge_16": ("judge", 16, 700), "chat": ("chat", 1, 1_500)}
LARGER = (12, 768)
"""Layers and width of the larger judge, of random weights (benchmarks/larger_run.py)."""
"""Part → kind of request, answers in one, and more requests than the fastest contender answers in one cell."""
MEASURES = ("requests_per_second", "p50_ms", "p95_ms", "p99_ms")
Figures = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What is to be measured."""

    run: str
    parts: Sequence[str]
    contenders: Sequence[str]
    clients: Sequence[int]
    seconds: float


def main() -> None:
    """Measure the parts that were asked for, and merge their numbers into the result file."""
    options = _options()
    figures = _known()
    figures["seconds_a_cell"] = options.seconds
    for contender in options.contenders:
        _contend(contender, options, figures)
    if "judge_larger" in options.parts:
        _larger(options, figures)
    if "faults_two" in options.parts:
        with _timed("start of two replicas each"), selfj_serve(options.run, *TWO_REPLICAS) as server:
            _keep(figures, {"faults_two": faults(server, 2)})


def _contend(contender: str, options: Options, figures: Figures) -> None:
    """All parts that one contender takes part in, in one start of it."""
    loads = [part for part in SHAPES if part in options.parts and (part != "chat" or contender != "selfj_two_judges")]
    others = [part for part in ENDPOINT if part in options.parts and contender == "selfj"]
    if not loads and not others:
        return
    with contextlib.ExitStack() as stack:
        with _timed(f"start of {contender}"):
            started = stack.enter_context(STARTERS[contender](options.run))
        for part in loads:
            _keep(figures, {**_load(part, contender, started, options), "commands": {part: _command()}})
        for part in others:
            with _timed(part):
                _keep(figures, {part: ENDPOINT[part](started, figures), "commands": {part: _command()}})


def _larger(options: Options, figures: Figures) -> None:
    """Judge alone, one answer in a request, with a model that costs what such models cost."""
    with larger_run(options.run, *LARGER) as run:
        known = {"parameters": parameters_of(run), "layers": LARGER[0], "width": LARGER[1]}
        for contender in options.contenders:
            with _timed(f"start of {contender}, larger"), STARTERS[contender](run) as started:
                found = _load("judge", contender, started, options)
            _keep(figures, {"judge_larger": {**known, **found}, "commands": {"judge_larger": _command()}})


def _load(part: str, contender: str, started: "RawContender | ServerContender", options: Options) -> Figures:
    """Rates and latencies at every number of clients: measure → contender → clients."""
    kind, answers, requests = SHAPES[part]
    found: Figures = {measure: {contender: {}} for measure in MEASURES}
    for clients in options.clients:
        first = 100_000 * list(SHAPES).index(part) + 10_000 * clients.bit_length()
        cell = started.measure(Cell(kind, clients, answers, options.seconds, 1.5, first, requests))
        print(f"{part} {contender} {clients}: {json.dumps(cell)}", flush=True)
        for measure in MEASURES:
            found[measure][contender][str(clients)] = cell[measure]
    return found if part == "judge" else {part: found}


def _overload(server: ServerContender, figures: Figures) -> Figures:
    return overload(server, figures.get("requests_per_second", {}).get("selfj", {}).get("32"))


def _two_judges(run: str) -> Any:
    """A judge for each of two cores, in place of one on both."""
    replicas = [f"--judge_replicas.{end}_replicas=2" for end in ("min", "max")]
    return selfj_serve(run, "--engine.threads=1", "--engine.cpus_per_worker=1", *replicas)


STARTERS: dict[str, Callable[[str], Any]] = {
    "raw": raw_engine,
    "vllm_serve": vllm_serve,
    "selfj": selfj_serve,
    "selfj_two_judges": _two_judges,
}
ENDPOINT: dict[str, Callable[[ServerContender, Figures], Figures]] = {
    "held_out": lambda server, _: held_out(server),
    "overload": _overload,
    "malformed": lambda server, _: malformed(server),
    "faults": lambda server, _: faults(server, 1),
}
"""Parts of the endpoint alone. Faults last: they end replicas."""


def merged(old: Figures, new: Figures) -> Figures:
    """`old` with the values of `new` put in at every depth."""
    result = dict(old)
    for name, value in new.items():
        known = result.get(name)
        result[name] = merged(known, value) if isinstance(value, dict) and isinstance(known, dict) else value
    return result


def _keep(figures: Figures, new: Figures) -> None:
    figures.update(merged(figures, new))
    print(write_result("serve", figures, "python benchmarks/serve.py --run runs/pocket"), json.dumps(new), flush=True)


def _command() -> str:
    """The command that runs, as it stands beside the parts that it measured."""
    return " ".join(["python benchmarks/serve.py", *sys.argv[1:]])


def _known() -> Figures:
    known: Figures = json.loads(RESULT.read_text())["figures"] if RESULT.exists() else {}
    return known


@contextlib.contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


def _options() -> Options:
    parts = [*SHAPES, "judge_larger", *ENDPOINT, "faults_two"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default="runs/pocket", help="folder of a finished, calibrated run of the pocket world")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--contenders", nargs="+", choices=list(STARTERS), default=list(STARTERS))
    parser.add_argument("--clients", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--seconds", type=float, default=8.0, help="of one cell, after 1.5 s of warm-up")
    return Options(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
