"""Whether what calibration promised holds through the endpoint: held-out instructions, graded by the pocket world."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from contenders import ServerContender  # noqa: E402
from load import Plan, Post, Reply, load  # noqa: E402
from questions import Served, judge_of, sampling_of  # noqa: E402

from selfj.pocket.grading import grade_response  # noqa: E402
from selfj.run import RunFolder  # noqa: E402

INSTRUCTIONS = 500
CLIENTS = 16
RESAMPLES = 2_000
Z95 = 1.959964


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """An instruction of the test split, which no training and no choice of a threshold has seen."""

    instruction: str
    metadata: dict[str, Any]


def held_out(server: ServerContender, count: int = INSTRUCTIONS) -> dict[str, Any]:
    """Every promise of the judge's card, asked by its name."""
    served = server.served
    thresholds = judge_of(served.run).thresholds
    rows = held_out_rows(served.run, count)
    return {name: _promise(served, name, card, rows) for name, card in thresholds.items()}


def held_out_rows(run: str, count: int) -> list[HeldOut]:
    """The first instructions of the test split."""
    table = RunFolder(run).table("instructions").read_all(columns=["instruction", "metadata", "split"]).to_pylist()
    test = [row for row in table if row["split"] == "test"]
    return [HeldOut(row["instruction"], json.loads(row["metadata"])) for row in test[:count]]


class _Chats:
    """One chat request for each instruction; its number is its seed."""

    def __init__(self, served: Served, promise: str, rows: Sequence[HeldOut]) -> None:
        self._url = f"{served.url}/v1/chat/completions"
        model = f"{sampling_of(served.run).policy}@{promise}"
        self._bodies = [
            json.dumps({"model": model, "messages": [{"role": "user", "content": row.instruction}], "seed": number}).encode()
            for number, row in enumerate(rows)
        ]

    def __len__(self) -> int:
        return len(self._bodies)

    async def ask(self, post: Post, number: int) -> Reply:
        return await post(self._url, self._bodies[number])

    def valid(self, number: int, body: bytes) -> bool:
        return bool(json.loads(body)["choices"])


def _promise(served: Served, name: str, card: dict[str, Any], rows: Sequence[HeldOut]) -> dict[str, Any]:
    done = load(_Chats(served, name, rows), Plan(clients=CLIENTS, seconds=600, warm_up_s=0))
    choices = {one.number: json.loads(one.reply.body)["choices"][0] for one in done.timed if one.reply.status == 200}
    answered = {number: choice["message"]["content"] for number, choice in choices.items() if choice["selfj"]["answered"]}
    grades = np.array([grade_response(rows[number].metadata, text) for number, text in answered.items()])
    coverage = len(answered) / len(rows)
    low, high = wilson(len(answered), len(rows))
    return {
        "instructions": len(rows),
        "failed": len(rows) - len(choices),
        "threshold": card["threshold"],
        "kind": card["kind"],
        "target": card["target"],
        "answered": len(answered),
        "coverage": round(coverage, 4),
        "coverage_low": round(low, 4),
        "coverage_high": round(high, 4),
        "promised_coverage": card.get("coverage"),
        "promised_coverage_low": card.get("coverage_low"),
        "promised_coverage_high": card.get("coverage_high"),
        **_mean_grade(grades),
        "kept": bool(grades.size and grades.mean() >= card["target"]) if card["kind"] == "quality" else None,
        "coverage_as_promised": _overlap(low, high, card),
    }


def _mean_grade(grades: "np.ndarray[Any, Any]") -> dict[str, float | None]:
    """Mean grade of what was answered, with its 95 % bootstrap interval."""
    if not grades.size:
        return {"mean_grade": None, "mean_grade_low": None, "mean_grade_high": None}
    generator = np.random.default_rng(0)
    means = grades[generator.integers(0, grades.size, (RESAMPLES, grades.size))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    rounded = [round(float(value), 4) for value in (grades.mean(), low, high)]
    return dict(zip(("mean_grade", "mean_grade_low", "mean_grade_high"), rounded, strict=True))


def wilson(hits: int, number: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    share, square = hits / number, Z95**2 / number
    centre = (share + square / 2) / (1 + square)
    half = Z95 * np.sqrt(share * (1 - share) / number + square / (4 * number)) / (1 + square)
    return float(centre - half), float(centre + half)


def _overlap(low: float, high: float, card: dict[str, Any]) -> bool | None:
    """Whether the coverage seen and the one of the table can be the same: their intervals meet."""
    if card.get("coverage_low") is None:
        return None
    return bool(low <= card["coverage_high"] and card["coverage_low"] <= high)
