"""The metrics as a Markdown table that people read."""

from typing import Any

_COLUMNS = {
    "gold": (("pearson", "Pearson"), ("spearman", "Spearman"), ("auroc", "AUROC"), ("prr", "PRR")),
    "pairs": (
        ("accuracy", "accuracy"),
        ("agreement", "agreement"),
        ("kappa", "kappa"),
        ("prefers_first", "prefers first"),
        ("prefers_longer", "prefers longer"),
    ),
    "choices": (("accuracy", "accuracy"),),
}
_ROWS = {"gold": "answers", "pairs": "pairs", "choices": "choices"}


def markdown(metrics: dict[str, Any]) -> str:
    """One row per method, intervals in brackets; the agreement of gold or voters with themselves below."""
    shown = _COLUMNS[metrics["kind"]]
    lines = [_heading(metrics), "", _row(["method", "reference", *(title for _, title in shown), "scored", "unscored"])]
    lines.append(_row(["---"] * (len(shown) + 4)))
    for name, entry in metrics["methods"].items():
        cells = [_interval(entry, metric) for metric, _ in shown]
        seen = "yes" if entry["with_reference"] else "no"
        lines.append(_row([f"`{name}`", seen, *cells, str(entry["scored"]), str(entry["unscored"])]))
    ceiling = {"gold": _gold_row, "pairs": _voter_rows, "choices": _chance_row}[metrics["kind"]](metrics)
    return "\n".join([*lines, *ceiling, "", *_notes(metrics), ""])


def _heading(metrics: dict[str, Any]) -> str:
    rows = f"{metrics['rows']:,} {_ROWS[metrics['kind']]} to {metrics['instructions']:,} instructions"
    left_out = f", {metrics['rejected']:,} rows rejected (rejected.parquet)" if metrics.get("rejected") else ""
    return f"**{metrics['data']}**: {rows}{left_out}."


def _gold_row(metrics: dict[str, Any]) -> list[str]:
    repeats = metrics["gold_repeats"]
    if not repeats:
        return []
    blank = ["–"] * 3
    against = (("another", repeats), ("the mean of the others", repeats["with_mean_of_others"]))
    return [
        _row([f"*gold, one grading against {name}*", "", _interval(entry, "pearson"), *blank, "", ""]) for name, entry in against
    ]


def _voter_rows(metrics: dict[str, Any]) -> list[str]:
    votes, voters = metrics["votes"], metrics["votes"]["voters"]
    agreement = [_interval(voters, name) for name in ("accuracy", "agreement", "kappa")] if voters else ["–"] * 3
    biases = [_interval(votes, name) for name in ("prefers_first", "prefers_longer")]
    name = "*one voter against the others' majority*" if voters else "*the votes*"
    return [_row([name, "", *agreement, *biases, "", ""])]


def _chance_row(metrics: dict[str, Any]) -> list[str]:
    return [_row(["*a pick at random*", "", _interval(metrics, "chance"), "", ""])]


def _notes(metrics: dict[str, Any]) -> list[str]:
    interval = f"In brackets {metrics['interval']['level']:.0%} bootstrap intervals over instructions."
    if metrics["kind"] == "gold":
        good = f" AUROC: gold from {metrics['good']:g} is good." if metrics["good"] is not None else ""
        return [interval + good]
    if metrics["kind"] == "choices":
        left_out = (
            f" Left out: {metrics['several_right']:,} that are about several right answers." if metrics["several_right"] else ""
        )
        return [f"{interval} Accuracy: how often the right answer has the highest score; a tie brings its share.{left_out}"]
    decided = metrics["rows"] - metrics["ties"]
    return [
        f"{interval} Accuracy: over the {decided:,} pairs that the votes decide, ties counted half.",
        f"Agreement and kappa: of three verdicts, over all pairs ({metrics['ties']:,} are ties, which fine scores never give).",
        "Last two: how often the first and the longer answer is preferred. Each answer is scored by itself, so that its place",
        "cannot matter, but its length can.",
    ]


def _interval(entry: dict[str, Any], name: str) -> str:
    value, low, high = (entry.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    if value is None:
        return "–"
    return f"{value:.3f}" if low is None else f"{value:.3f} ({low:.3f} to {high:.3f})"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
