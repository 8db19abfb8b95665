"""Balanced sampling to a budget: how many instructions of each category and source, and of each cluster within, and which.

Of each stratum those with the lowest ids are taken: ids are hashes, so that is a uniform sample, the same every time. Memory:
twelve bytes for each instruction.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.marks import CLUSTER
from selfj.collect_settings import BalanceSettings
from selfj.records import Rejected, rejected, stable_seed
from selfj.tables import TableFolder

Key = TypeVar("Key", bound=Hashable)
Group = tuple[str, str]
"""Category and source."""
Stratum = tuple[str, str, int]
"""The same, and the cluster; -1 where there are none."""
_DIGITS = 16
"""Hexadecimal digits of an id that tell instructions apart."""


@dataclass(frozen=True)
class Balance:
    """Which instructions are taken."""

    sources: dict[str, str]
    """What the tables call a file of a source → the source."""
    last: dict[Stratum, int]
    """The first 64 bits of the last id that is taken; a stratum that is not there gives none."""

    def takes(self, rows: pa.Table) -> npt.NDArray[np.bool_]:
        """Mask of the rows (with instruction_id, category, source, and cluster if there are any) that are taken."""
        last = [self.last.get(stratum, -1) for stratum in self.strata(rows)]
        return np.array([int(head) <= bound for head, bound in zip(_heads(rows), last, strict=True)], dtype=bool)

    def strata(self, rows: pa.Table) -> list[Stratum]:
        """The stratum of each row."""
        labels, categories = rows.column("source").to_pylist(), rows.column("category").to_pylist()
        clusters = rows.column(CLUSTER).to_pylist() if CLUSTER in rows.column_names else [-1] * rows.num_rows
        sources = [self.sources.get(label, label) for label in labels]
        return list(zip(categories, sources, clusters, strict=True))


def plan_balance(
    unique: TableFolder,
    settings: BalanceSettings,
    budget: int | None,
    sources: dict[str, str],
    dropped: pa.Array,
    marked: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> Balance:
    """What is taken of the instructions of `unique` that are not dropped, at most `budget` in all.

    `marked` gives rows their categories and clusters (marks.Marks).
    """
    numbers: dict[Stratum, int] = {}
    heads, strata = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for part in unique.parts():
        rows = unique.read(part, ["instruction_id", "category", "source"])
        rows = marked(rows.filter(pc.invert(pc.is_in(rows.column("instruction_id"), dropped))))
        found = [numbers.setdefault(stratum, len(numbers)) for stratum in Balance(sources, {}).strata(rows)]
        heads.append(_heads(rows))
        strata.append(np.array(found, dtype=np.int32))
    return Balance(sources, _last_taken(np.concatenate(heads), np.concatenate(strata), numbers, settings, budget))


def _last_taken(
    heads: npt.NDArray[np.uint64],
    strata: npt.NDArray[np.int32],
    numbers: dict[Stratum, int],
    settings: BalanceSettings,
    budget: int | None,
) -> dict[Stratum, int]:
    counts = np.bincount(strata, minlength=len(numbers))
    ordered, begins = heads[np.lexsort((heads, strata))], np.concatenate([[0], np.cumsum(counts)])
    taken = of_strata({stratum: int(counts[number]) for stratum, number in numbers.items()}, settings, budget)
    return {stratum: int(ordered[begins[numbers[stratum]] + count - 1]) for stratum, count in taken.items() if count}


def of_strata(counts: dict[Stratum, int], settings: BalanceSettings, budget: int | None) -> dict[Stratum, int]:
    """Instructions to take of each stratum: a group's share evenly among its clusters.

    The clusters are in an order of the group's own: where there are more of them than instructions to take, groups draw from
    different ones.
    """
    of_group: dict[Group, dict[Stratum, int]] = defaultdict(dict)
    for stratum in sorted(counts, key=lambda stratum: stable_seed("stratum", *stratum)):
        of_group[stratum[:2]][stratum] = counts[stratum]
    of_group = {group: of_group[group] for group in dict.fromkeys(stratum[:2] for stratum in counts)}
    shares = quotas({group: sum(clusters.values()) for group, clusters in of_group.items()}, settings, budget)
    found = (filled(clusters, dict.fromkeys(clusters, 1.0), shares[group]) for group, clusters in of_group.items())
    return {stratum: count for taken in found for stratum, count in taken.items()}


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


def _heads(rows: pa.Table) -> npt.NDArray[np.uint64]:
    return np.array([int(key[:_DIGITS], 16) for key in rows.column("instruction_id").to_pylist()], dtype=np.uint64)
