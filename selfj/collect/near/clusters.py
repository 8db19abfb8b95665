"""The table `near_duplicates`: connected components of the verified pairs, and the one of each that is kept."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.near.reading import rows_of_members
from selfj.collect.near.records import NearDuplicate
from selfj.parts import MadePart
from selfj.records import Instruction, schema
from selfj.run import RunFolder
from selfj.tables import TableFolder


class ClusterMaker:
    """Makes its only part, from all verified pairs at once."""

    def __init__(self, keep: Literal["first", "longest_reference"], labels: list[str]) -> None:
        """`labels`: what the tables call the sources, in the order in which they are preferred."""
        self.keep = keep
        self.labels = labels

    def make(self, run: RunFolder, part: int) -> MadePart:
        """All instructions of a cluster but the one that is kept."""
        pairs = run.table("near_verified").read_all(["first", "second"])
        ends = [pairs.column(end).to_numpy() for end in ("first", "second")]
        members = np.unique(np.concatenate(ends))
        groups = components(len(members), *(np.searchsorted(members, end) for end in ends))
        rows = self._rows(run.table("unique"), members)
        kept = best_of_each(groups, self._priorities(rows))
        dropped = np.flatnonzero(kept != np.arange(len(kept)))
        return _made(rows, dropped, kept[dropped])

    def _rows(self, unique: TableFolder, members: npt.NDArray[np.int64]) -> pa.Table:
        """What the choice between the members needs to know of each."""
        columns = ["instruction_id", "source", "row"]
        if self.keep == "first":
            return pa.concat_tables([_empty(columns), *rows_of_members(unique, members, columns)])
        columns.append("reference")
        return pa.concat_tables(map(_with_length, (_empty(columns), *rows_of_members(unique, members, columns))))

    def _priorities(self, rows: pa.Table) -> list[npt.NDArray[np.int64]]:
        """Keys of the order of preference, the first one first; lower is better."""
        order = {label: number for number, label in enumerate(self.labels)}
        sources = rows.column("source").combine_chunks().dictionary_encode()
        ranks = np.array([order.get(label, len(order)) for label in sources.dictionary.to_pylist()], dtype=np.int64)
        place = [ranks[sources.indices.to_numpy()], rows.column("row").to_numpy()]
        return place if self.keep == "first" else [-rows.column("length").to_numpy(), *place]


def _empty(columns: list[str]) -> pa.Table:
    return schema(Instruction).empty_table().select(columns)


def _with_length(rows: pa.Table) -> pa.Table:
    """The characters of the reference in place of its text."""
    lengths = pc.cast(pc.utf8_length(rows.column("reference")), pa.int64())
    return rows.drop_columns("reference").append_column("length", lengths)


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
    ids, others = rows.column("instruction_id").take(pa.array(dropped)), rows.take(pa.array(kept))
    made = pa.table([ids, *(others.column(name) for name in ("instruction_id", "source", "row"))], schema=schema(NearDuplicate))
    made = made.sort_by("instruction_id")
    return MadePart(made, [], made.num_rows)
