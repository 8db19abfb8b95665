"""Balanced sampling to a budget: how many instructions of each category and source, and which.

Of each group those with the lowest ids are taken: ids are hashes, so that is a uniform sample, the same every time. Memory: eight
bytes for each instruction.
"""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from selfj.config import BalanceSettings
from selfj.records import Rejected, rejected
from selfj.tables import TableFolder

Key = TypeVar("Key", bound=Hashable)
Group = tuple[str, str]
"""Category and source."""
_DIGITS = 16
"""Hexadecimal digits of an id that tell instructions apart."""


@dataclass(frozen=True)
class Balance:
    """Which instructions are taken."""

    sources: dict[str, str]
    """What the tables call a file of a source → the source."""
    last: dict[Group, int]
    """The first 64 bits of the last id that is taken; a group that is not there gives none."""

    def takes(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        """Mask of the rows (with instruction_id, category and source) that are taken."""
        ids, groups = _heads(rows.column("instruction_id")), self.groups(rows)
        last = [self.last.get(group, -1) for group in groups]
        return np.array([int(head) <= bound for head, bound in zip(ids, last, strict=True)], dtype=bool)

    def groups(self, rows: pa.Table) -> list[Group]:
        """The group of each row."""
        labels, categories = rows.column("source").to_pylist(), rows.column("category").to_pylist()
        return [(category, self.sources.get(label, label)) for category, label in zip(categories, labels, strict=True)]


def plan_balance(
    unique: TableFolder, settings: BalanceSettings, budget: int | None, sources: dict[str, str], dropped: pa.Array
) -> Balance:
    """What is taken of the instructions of `unique` that are not dropped, at most `budget` in all."""
    empty = Balance(sources, {})
    heads: dict[Group, list[npt.NDArray[np.uint64]]] = defaultdict(list)
    for part in unique.parts():
        rows = unique.read(part, ["instruction_id", "category", "source"])
        rows = rows.filter(pc.invert(pc.is_in(rows.column("instruction_id"), dropped)))
        ids, groups = _heads(rows.column("instruction_id")), empty.groups(rows)
        for group in dict.fromkeys(groups):
            heads[group].append(ids[[other == group for other in groups]])
    joined = {group: np.sort(np.concatenate(found)) for group, found in heads.items()}
    taken = quotas({group: len(found) for group, found in joined.items()}, settings, budget)
    return Balance(sources, {group: int(joined[group][count - 1]) for group, count in taken.items() if count})


def quotas(counts: dict[Group, int], settings: BalanceSettings, budget: int | None) -> dict[Group, int]:
    """Instructions to take of each group.

    First the budget is shared among the categories by their weights, then each category's share evenly among its sources; what
    one cannot give goes to the others.
    """
    limit = settings.max_per_source
    there = {group: count if limit is None else min(count, limit) for group, count in counts.items()}
    of_category = {category: sum(n for group, n in there.items() if group[0] == category) for category, _ in there}
    weights = settings.categories or {name: float(count) for name, count in of_category.items()}
    wanted = {name: weights.get(name, 0.0) for name in of_category}
    shares = filled(of_category, wanted, sum(of_category.values()) if budget is None else budget)
    taken: dict[Group, int] = {}
    for category, share in shares.items():
        groups = {group: n for group, n in there.items() if group[0] == category}
        taken |= filled(groups, dict.fromkeys(groups, 1.0), share)
    return taken


def filled(available: dict[Key, int], weights: dict[Key, float], budget: int) -> dict[Key, int]:
    """Numbers by weight that sum to the budget, none above what is available; what one cannot give goes to the others."""
    open_keys = {key for key, weight in weights.items() if weight > 0 and available[key]}
    given = dict.fromkeys(available, 0)
    left = budget
    while open_keys and left > 0:
        total = sum(weights[key] for key in open_keys)
        full = {key for key in open_keys if available[key] <= left * weights[key] / total}
        if not full:
            return given | _rounded({key: left * weights[key] / total for key in available if key in open_keys})
        given |= {key: available[key] for key in full}
        left -= sum(available[key] for key in full)
        open_keys -= full
    return given


def _rounded(exact: dict[Key, float]) -> dict[Key, int]:
    """Whole numbers of the same sum, the largest remainders up."""
    whole = {key: int(value) for key, value in exact.items()}
    missing = round(sum(exact.values())) - sum(whole.values())
    for key in sorted(exact, key=lambda key: whole[key] - exact[key])[:missing]:
        whole[key] += 1
    return whole


def not_taken(rows: pa.Table, step: str) -> list[Rejected]:
    """A reject for each row that the balance does not take."""
    keys = rows.select(["source", "row", "category", "instruction_id"]).to_pylist()
    return [
        rejected(
            step, row["source"], f"beyond the balance: enough of {row['category']}", row=row["row"], key=row["instruction_id"]
        )
        for row in keys
    ]


def _heads(ids: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    return np.array([int(key[:_DIGITS], 16) for key in ids.to_pylist()], dtype=np.uint64)
