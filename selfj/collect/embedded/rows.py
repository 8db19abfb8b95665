"""Rows of `unique` that the tables beside it say something of: part k of each comes from part k of `unique`."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.sorted_parts import SortedParts
from selfj.run import RunFolder
from selfj.tables import Manifest

BEHIND = "g"
"""Above all ids; behind one, it makes the next: hexadecimal digits end before it."""


@dataclass(frozen=True)
class Remaining:
    """Rows of `unique` that may be kept: no near duplicates, and not beyond a uniform sample of `max_instructions`."""

    dropped: str = ""
    """The table of near duplicates, or nothing."""
    below: str = BEHIND
    """The first id beyond the sample."""

    def rows(self, run: RunFolder, part: int, columns: list[str]) -> pa.Table:
        """Some columns (instruction_id the first) of those of one part."""
        rows = run.table("unique").read(part, columns)
        rows = rows.filter(pc.less(rows.column("instruction_id"), self.below))
        if not self.dropped or not rows.num_rows:
            return rows
        ids = rows.column("instruction_id")
        gone = ids_between(SortedParts(run.table(self.dropped)), ids, ["instruction_id"])
        return rows.filter(pc.invert(pc.is_in(ids, gone.column(0).combine_chunks())))

    def inputs(self, run: RunFolder, unique: Manifest) -> dict[str, str]:
        """What stands in a fingerprint for these rows."""
        found = {"unique": unique.fingerprint.digest}
        if self.dropped:
            found[self.dropped] = run.upstream(self.dropped, "collect").fingerprint.digest
        return found if self.below == BEHIND else {**found, "below": self.below}


def ids_between(table: SortedParts, ids: pa.ChunkedArray, columns: list[str]) -> pa.Table:
    """Some columns (instruction_id the first) of the rows from the first of some sorted ids to the last."""
    pieces = [rows for _, rows in table.pieces(ids[0].as_py(), ids[-1].as_py() + BEHIND, columns)]
    return pa.concat_tables(pieces) if pieces else table.table.read(table.numbers[0], columns).slice(0, 0)


def without_category(rows: pa.Table) -> pa.Table:
    """Rows for which no source, column or mapping gives a category."""
    return rows.filter(pc.equal(rows.column("category"), ""))
