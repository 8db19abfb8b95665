"""How good verdicts are: against known preferences, in both orders, and against people's votes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.errors import DataError
from selfj.selfjudge.pairs import Pair, PairJudge, Side
from selfj.selfjudge.pairwise import TIE, verdict_of

Floats = NDArray[np.float64]


def score_figures(
    scores: Floats, gaps: Floats, clear_gap: float, sides: Floats | None = None, principles: Sequence[str] = ()
) -> dict[str, float]:
    """Figures of a judge on pairs of which one answer is known to be better.

    `scores`: (pairs, principles, 2 orders: better one first, better one second; 2 answers: better, worse), the probability that
    the judge calls the answer the better one; a pair that is not judged in all of them is left out. `gaps`: (pairs,), NaN if
    unknown. `sides`: (pairs, principles), 1 where the better answer is so under the principle too, 0 where the other is, else
    NaN.

    `accuracy`: share of pairs whose verdict is right (a tie is not); `accuracy_chosen_first`, `accuracy_rejected_first`: by one
    order alone; `flip_rate`: share whose preferred answer changes with the order; `ties`; `pairs`. The same with `clear_` before
    them for gaps of at least `clear_gap`; and `accuracy_PRINCIPLE` if there are several principles.
    """
    whole = np.isfinite(scores).all(axis=(1, 2, 3))
    figures = _figures(scores[whole])
    clear = whole & (np.nan_to_num(gaps, nan=-np.inf) >= clear_gap - TIE)
    figures |= {f"clear_{name}": value for name, value in _figures(scores[clear]).items()}
    if sides is not None and len(principles) > 1:
        figures |= _by_principle(scores[whole], sides[whole], principles)
    return figures


def _figures(scores: Floats) -> dict[str, float]:
    if not len(scores):
        return {"pairs": 0.0}
    verdicts = [verdict_of(pair) for pair in scores]
    by_order = scores.mean(axis=1)
    first, second = (by_order[:, order, 0] - by_order[:, order, 1] > TIE for order in (0, 1))
    return {
        "accuracy": float(np.mean([verdict.preferred == "a" for verdict in verdicts])),
        "accuracy_chosen_first": float(first.mean()),
        "accuracy_rejected_first": float(second.mean()),
        "flip_rate": float(np.mean([bool(verdict.flips) for verdict in verdicts])),
        "ties": float(np.mean([verdict.tie for verdict in verdicts])),
        "pairs": float(len(verdicts)),
    }


def _by_principle(scores: Floats, sides: Floats, principles: Sequence[str]) -> dict[str, float]:
    means = scores.mean(axis=2)
    right = (means[..., 0] - means[..., 1] > TIE) == (sides == 1)
    known = np.isfinite(sides)
    return {
        f"accuracy_{name}": float(right[known[:, place], place].mean())
        for place, name in enumerate(principles)
        if known[:, place].any()
    }


@dataclass(frozen=True)
class Voted:
    """A pair that people have voted on."""

    pair: Pair
    votes: tuple[int, ...]
    """0 a tie, 1 the first answer, 2 the second (PandaLM's)."""

    @property
    def majority(self) -> Side | None:
        """What more than half of them say; None for a tie, or if there is no majority."""
        for vote, side in ((1, "a"), (2, "b")):
            if 2 * self.votes.count(vote) > len(self.votes):
                return side  # type: ignore[return-value]
        return None


def read_voted(path: str) -> list[Voted]:
    """Pairs of a Parquet file with instruction, input, response_a, response_b and votes.

    Raises DataError, naming file, row and column, for what is not so.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as problem:
        raise DataError(f"{path}: not a readable Parquet file ({' '.join(str(problem).split())[:200]})") from None
    return [_voted(row, f"{path}: row {number}") for number, row in enumerate(rows)]


def _voted(row: dict[str, Any], where: str) -> Voted:
    texts = {name: row.get(name) for name in ("instruction", "response_a", "response_b")}
    wrong = next((name for name, text in texts.items() if not isinstance(text, str)), None)
    votes = row.get("votes")
    if wrong is None and not (isinstance(votes, list) and votes and set(votes) <= {0, 1, 2}):
        wrong = "votes"
    if wrong is not None:
        raise DataError(f"{where}: {wrong} is {row.get(wrong)!r}; texts, and a list of votes 0 (tie), 1 or 2 are expected")
    given = row.get("input")
    instruction = f"{texts['instruction']}\n\n{given}" if given else str(texts["instruction"])
    return Voted(Pair(instruction, str(texts["response_a"]), str(texts["response_b"])), tuple(row["votes"]))


def human_agreement(judge: PairJudge, voted: Sequence[Voted]) -> dict[str, float]:
    """How far a judge's verdicts on `voted` are those of most voters; all pairs are judged in one call.

    `agreement`: share of the pairs with a majority for one answer whose verdict is that answer; `agreement_three`: share of all
    judged pairs whose verdict (an answer, or neither) is the majority's; `voters`: the first of these for each single voter
    against the majority of the others, the ceiling; `flip_rate`, `ties`: shares of the judged; `unjudged`: share of all; `pairs`,
    `decided`: counts.
    """
    verdicts = judge.compare([one.pair for one in voted])
    judged = [(one, verdict) for one, verdict in zip(voted, verdicts, strict=True) if verdict.reason is None]
    decided = [(one, verdict) for one, verdict in judged if one.majority is not None]
    found = {
        "agreement": _share([verdict.preferred == one.majority for one, verdict in decided]),
        "agreement_three": _share([verdict.preferred == one.majority for one, verdict in judged]),
        "voters": _voters(voted),
        "flip_rate": _share([bool(verdict.flips) for _, verdict in judged]),
        "ties": _share([verdict.tie for _, verdict in judged]),
        "unjudged": 1 - len(judged) / max(1, len(voted)),
        "pairs": float(len(voted)),
        "decided": float(len(decided)),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _voters(voted: Sequence[Voted]) -> float:
    agreed = []
    for one in voted:
        for place, vote in enumerate(one.votes):
            others = Voted(one.pair, one.votes[:place] + one.votes[place + 1 :])
            if others.majority is not None:
                agreed.append({1: "a", 2: "b"}.get(vote) == others.majority)
    return _share(agreed)


def _share(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
