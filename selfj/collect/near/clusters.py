"""The table `near_duplicates`: connected components of the verified pairs, and the one of each that is kept."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from selfj.collect.near.records import NearDuplicate
from selfj.parts import MadePart
from selfj.records import schema
from selfj.run import RunFolder

_ENDS = ["id", "source", "row", "length"]


class ClusterMaker:
    """Makes its only part, from all verified pairs at once."""

    def __init__(self, keep: Literal["first", "longest_reference"], labels: list[str]) -> None:
        """`labels`: what the tables call the sources, in the order in which they are preferred."""
        self.keep = keep
        self.labels = labels

    def make(self, run: RunFolder, part: int) -> MadePart:
        """All instructions of a cluster but the one that is kept."""
        pairs = run.table("near_verified").read_all()
        members, rows = _members(pairs)
        edges = [np.searchsorted(members, pairs.column(end).to_numpy()) for end in ("first", "second")]
        kept = best_of_each(components(len(members), *edges), self._priorities(rows))
        dropped = np.flatnonzero(kept != np.arange(len(kept)))
        return _made(rows, dropped, kept[dropped])

    def _priorities(self, rows: pa.Table) -> list[npt.NDArray[np.int64]]:
        """Keys of the order of preference, the first one first; lower is better."""
        order = {label: number for number, label in enumerate(self.labels)}
        ranks = np.array([order.get(label, len(order)) for label in rows.column("source").to_pylist()], dtype=np.int64)
        place = [ranks, rows.column("row").to_numpy()]
        return place if self.keep == "first" else [-rows.column("length").to_numpy(), *place]


def _members(pairs: pa.Table) -> tuple[npt.NDArray[np.int64], pa.Table]:
    """All members of the pairs, sorted, and what is known of each."""
    numbers = np.concatenate([pairs.column(end).to_numpy() for end in ("first", "second")])
    ends = [pairs.select([f"{end}_{name}" for name in _ENDS]).rename_columns(_ENDS) for end in ("first", "second")]
    members, places = np.unique(numbers, return_index=True)
    return members, pa.concat_tables(ends).take(pa.array(places))


def components(count: int, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Number of the connected component of each of `count` nodes, by the edges first-second."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    found: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return found


def best_of_each(groups: npt.NDArray[np.int32], priorities: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """For each node the node of its group with the lowest priorities."""
    keys: list[npt.NDArray[Any]] = [*reversed(priorities), groups]
    order = np.lexsort(keys)
    begins = np.concatenate([np.ones(min(len(order), 1), bool), groups[order][1:] != groups[order][:-1]])
    best = np.empty(int(groups.max(initial=-1)) + 1, np.int64)
    best[groups[order][begins]] = order[begins]
    return best[groups]


def _made(rows: pa.Table, dropped: npt.NDArray[np.int64], kept: npt.NDArray[np.int64]) -> MadePart:
    ids, others = rows.column("id").take(pa.array(dropped)), rows.take(pa.array(kept))
    columns = [ids, others.column("id"), others.column("source"), others.column("row")]
    made = pa.table(columns, schema=schema(NearDuplicate)).sort_by("instruction_id")
    return MadePart(made, [], made.num_rows)
