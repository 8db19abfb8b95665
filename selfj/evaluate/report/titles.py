"""What the methods are called, and the paper's own numbers beside them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfj.evaluate.methods import TASK_MEAN, Method
from selfj.evaluate.predictions import PredictedBy


@dataclass(frozen=True)
class Title:
    """One method as the report speaks of it."""

    name: str
    """In metrics.json."""
    short: str
    """Under the heading “with reference” or “without reference”."""
    full: str
    """Where no such heading stands above it."""
    with_reference: bool
    paper: float | None
    """Pearson × 100 in the paper."""
    explanation: str


@dataclass(frozen=True)
class PaperRow:
    """A row of the paper's table: Pearson × 100 with GPT-4's scores, 850 instructions, mean over five policies (METHOD.md A)."""

    name: str | None
    """Of our method; None for a judge from outside, which a run may have under any name."""
    title: str
    with_reference: bool
    pearson: float


PAPER = (
    PaperRow("cosine", "Cosine", True, 48.25),
    PaperRow("self_eval_reference", "Self-eval", True, 47.85),
    PaperRow("self_eval_plus_cosine", "Self-eval + Cosine", True, 59.98),
    PaperRow(None, "GPT-3.5-turbo", True, 70.42),
    PaperRow(None, "GPT-3.5-turbo + Cosine", True, 73.09),
    PaperRow("judge_reference", "Self-J", True, 70.34),
    PaperRow("ppl", "PPL", False, 11.68),
    PaperRow("vro", "VRO", False, 41.12),
    PaperRow("self_eval", "Self-eval", False, 11.46),
    PaperRow(None, "GPT-3.5-turbo", False, 20.62),
    PaperRow(None, "Auto-J-13b", False, 43.54),
    PaperRow(None, "UltraRM-13b", False, 52.98),
    PaperRow("judge_cosine", "Judge (Cosine labels only)", False, 47.40),
    PaperRow("judge_self_eval", "Judge (Self-eval labels only)", False, 45.29),
    PaperRow("judge_no_distillation", "Self-J without self-distillation", False, 54.56),
    PaperRow("judge", "Self-J", False, 58.65),
)
"""All rows, in the paper's order."""


def titles_of(methods: Sequence[Method], entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Title]:
    """Titles of the methods that metrics.json has (`entries`, by name), and of the task-mean baseline.

    A method that `methods` does not know (metrics of another version) is called by its name.
    """
    known = {method.name: method for method in methods}
    uses = Counter(known[name].title for name in entries if name in known)
    found = {name: _title(name, known.get(name), entry, uses) for name, entry in entries.items()}
    found[TASK_MEAN] = Title(
        TASK_MEAN, "Task mean (baseline)", "Task mean", False, None, "Mean gold of the task family in training."
    )
    return found


def _title(name: str, method: Method | None, entry: Mapping[str, Any], uses: Mapping[str, int]) -> Title:
    seeing = bool(entry.get("with_reference"))
    if method is None:
        words = name.replace("_", " ")
        return Title(name, words, words, seeing, None, "A method that this version of selfj does not know.")
    unseen = (entry.get("on_excluded") or {}).get("categories")
    if unseen:
        words = f"Self-J that never saw {', '.join(unseen)}"
        return Title(name, words, words, seeing, method.paper, method.explanation)
    # The judge is called by its kind even where only one of the two was run: it is what the page is about.
    alone = uses[method.title] == 1 and name not in ("judge", "judge_reference", "self_eval", "self_eval_reference")
    full = method.title if alone else f"{method.title} {'with' if seeing else 'without'} reference"
    return Title(name, method.title, full, seeing, method.paper, method.explanation)


def not_run(methods: Iterable[Title | PredictedBy], with_reference: bool) -> list[PaperRow]:
    """Rows of the paper's table that a run lacks: neither a method of that name nor one that is set beside that number."""
    ours = [method for method in methods if method.with_reference == with_reference]
    names, numbers = {method.name for method in ours}, {method.paper for method in ours}
    rows = (row for row in PAPER if row.with_reference == with_reference)
    return [row for row in rows if row.name not in names and (row.name or row.pearson not in numbers)]
