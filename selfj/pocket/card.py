"""Write what a policy does into docs/pocket.md: `python -m selfj.pocket.card`. Everything between the two marks is replaced."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from selfj.pocket.policy import Measurement, Policy, measure
from selfj.pocket.recipes import POLICIES, recipe_names
from selfj.pocket.world import item

BEGIN, END = "<!-- card: begin -->", "<!-- card: end -->"
CARD_SEED = 990_002
"""World seed of the card's instructions; neither training nor the pipeline's settings use it."""
LOG_LINES = 12


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def family_table(found: Measurement) -> str:
    """One row per family: category, mean grade, share of full grades, correlations."""
    summary = found.summary()
    rows = []
    for family, at in found.family_rows().items():
        grades, first = found.grades[at], found.items[int(at[0])]
        traps = np.array([found.items[int(row)].draft.trap for row in at])
        rows.append(
            (
                first.category,
                family,
                len(at),
                f"{grades.mean():.2f}",
                f"{grades[~traps].mean():.2f} / {grades[traps].mean():.2f}",
                f"{(grades > 0.999).mean():.0%}",
                f"{summary['family_rating_pearson'][family]:.2f}",
            )
        )
    head = ("category", "family", "answers", "mean grade", "without / with trap", "grade 1", "rating Pearson")
    return table(head, sorted(rows))


def histogram(grades: np.ndarray) -> str:
    """Text bars, ten bins of the grade; the last holds 0.9 to 1."""
    counts, _ = np.histogram(grades, bins=10, range=(0, 1))
    bars = (
        f"{place / 10:.1f}  {'█' * round(120 * count / len(grades))} {count / len(grades):.1%}"
        for place, count in enumerate(counts)
    )
    return "```\n" + "\n".join(bars) + "\n```\n"


def examples(found: Measurement) -> str:
    """One instruction per family with reference, sampled answer, grade and the policy's own rating."""
    rows = []
    for family, at in found.family_rows().items():
        row = int(at[0])
        made, response = found.items[row], found.responses[row].replace("\n", " ")
        rows.append((family, made.instruction, made.reference, response, f"{found.grades[row]:.2f}", f"{found.ratings[row]:.1f}"))
    return table(("family", "instruction", "reference", "sampled answer", "grade", "rating with reference"), rows)


def figures(found: Measurement, temperature: float) -> str:
    """The policy in six numbers."""
    summary = found.summary()
    names = {
        "mean_grade": "mean grade",
        "rating_pearson": "Pearson of the rating with reference and the grade",
        "rating_pearson_within": "the same within a family, mean",
        "likelihood_pearson": "Pearson of the mean log-likelihood of the answer and the grade",
        "task_mean_pearson": "Pearson of the family's mean grade and the grade (task-mean baseline)",
    }
    rows = [(name, f"{summary[key]:.3f}") for key, name in names.items()]
    return table((f"{len(found.items)} instructions, one answer each, temperature {temperature}", ""), rows)


def training_log(folder: Path) -> str:
    """A few lines of the log that training left in the policy's folder."""
    path = folder / "training.jsonl"
    if not path.is_file():
        return "No training log.\n"
    entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    losses = [entry for entry in entries if "losses" in entry]
    kept = [losses[round(place)] for place in np.linspace(0, len(losses) - 1, min(LOG_LINES, len(losses)))]
    kinds = ("answer", "rate", "mark", "read")
    rows = [
        (entry["step"], entry["seconds"], entry["tokens_per_second"], *(entry["losses"].get(kind, "") for kind in kinds))
        for entry in kept
    ]
    measured = [
        (entry["step"], *(entry["dev"][key] for key in ("mean_grade", "rating_pearson", "likelihood_pearson")))
        for entry in entries
        if "dev" in entry
    ]
    dev = table(("step", "mean grade", "rating Pearson", "likelihood Pearson"), measured)
    return (
        table(("step", "seconds", "tokens/s", *(f"loss: {kind}" for kind in kinds)), rows)
        + "\nDevelopment instructions during training:\n\n"
        + dev
    )


def policy_card(name: str, count: int, temperature: float) -> str:
    """Measure policy `name` on `count` instructions and describe it."""
    folder = POLICIES / name
    policy = Policy.load(folder)
    found = measure(policy, [item(CARD_SEED, index) for index in range(count)], temperature, seed=0)
    parameters = sum(parameter.numel() for parameter in policy.model.parameters())
    return "\n".join(
        (
            f"### Policy `{name}` ({parameters / 1e6:.2f} million parameters)\n",
            figures(found, temperature),
            "Grades of the answers:\n",
            histogram(found.grades),
            "By family:\n",
            family_table(found),
            "The first answer of every family:\n",
            examples(found),
            "Training:\n",
            training_log(folder),
        )
    )


def write_between_marks(document: Path, text: str) -> None:
    """Replace what stands between the marks of `document`."""
    whole = document.read_text(encoding="utf-8")
    if whole.count(BEGIN) != 1 or whole.count(END) != 1:
        raise SystemExit(f"{document}: expected one {BEGIN!r} and one {END!r}")
    before, rest = whole.split(BEGIN)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1400, help="instructions to answer")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--document", type=Path, default=Path("docs/pocket.md"))
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    made = [name for name in recipe_names() if (POLICIES / name / "config.json").is_file()]
    cards = [policy_card(name, arguments.items, arguments.temperature) for name in made]
    write_between_marks(arguments.document, "\n".join(cards))
    print(f"{arguments.document}: card of {', '.join(made)} written")


if __name__ == "__main__":
    main()
