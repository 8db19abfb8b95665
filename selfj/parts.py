"""The parts of a table, made by Ray workers (selfj/workers.py): the one way in which a step runs in parallel.

A worker takes the number of a part, reads what it needs from the run folder, and writes that part. What crosses process
borders is a number and four counts, so memory is bounded by the parts in flight. A worker that dies is replaced and its
part made again.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from selfj import errors
from selfj.errors import SelfJError
from selfj.progress import Progress
from selfj.records import Rejected
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest, PartCounts, TableFolder, timed
from selfj.workers import QUIET, Counts, Pool, made_by

__all__ = ["QUIET", "MadePart", "PartMaker", "Pool", "Table", "make_table"]


@dataclass
class MadePart:
    """What a maker returns for one part."""

    rows: pa.Table
    """Rows in the schema of the table's record."""
    rejects: list[Rejected]
    """Rows that could not be used, with reasons."""
    rows_in: int
    """Rows that they were made from: rows + rejects."""


class PartMaker(Protocol):
    """Makes parts of one table; built once in each worker, so that a model is loaded once."""

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Make one part from the run's other tables."""


@dataclass
class Table:
    """A table to be made."""

    name: str
    step: str
    fingerprint: Fingerprint
    parts: list[int]
    """All its parts."""
    rows: int | None = None
    """Rows to expect in all, for the progress line."""


def make_table(run: RunFolder, table: Table, maker: Callable[[], PartMaker], pool: Pool) -> Manifest:
    """Make the parts of a table that are not there yet; a finished table is left alone.

    `maker` builds a PartMaker inside each worker: a picklable class or functools.partial.

    Raises RunFolderError if the table was made with other settings, or if its counts do not reconcile; an error that a
    worker meets comes out as the SelfJError it was.
    """
    folder = run.table(table.name)
    manifest = folder.begin(table.fingerprint, table.step)
    if manifest.finished:
        print(f"{table.step}: {table.name} is finished ({manifest.rows_out:,} rows)", flush=True)
        return manifest
    there = set(folder.parts())
    missing = [part for part in table.parts if part not in there]
    manifest.parts_total = len(table.parts)
    folder.write_manifest(manifest)
    if there:
        print(f"{table.step}: {table.name}: {len(there)} of {len(table.parts)} parts are there, going on", flush=True)
    with timed(folder, manifest):
        _make_missing(run, table, missing, maker, pool, _rows_done(folder, there))
    return folder.finish(manifest)


def _rows_done(folder: TableFolder, there: set[int]) -> int:
    return sum(folder.counts(part).rows_out for part in there)


def _make_missing(
    run: RunFolder, table: Table, missing: list[int], maker: Callable[[], PartMaker], pool: Pool, done: int
) -> None:
    if not missing:
        return
    progress = Progress(f"{table.step}: {table.name}", None if table.rows is None else table.rows - done)
    build = functools.partial(_Worker, run.address, table.name, maker)
    for counts in made_by(pool, build, missing):
        if counts["error"]:
            raise _from_text(counts["error"])
        progress.add(int(counts["rows_out"] + counts["rejected"]))
    progress.show()


class _Worker:
    """Makes parts in a process of its own. What a user can mend travels as a value: Ray's wrappers keep only its text."""

    def __init__(self, address: str, table: str, maker: Callable[[], PartMaker]) -> None:
        self.run = RunFolder(address)
        self.folder = self.run.table(table)
        self.build = maker
        self.maker: PartMaker | None = None

    def __call__(self, parts: list[int]) -> list[Counts]:
        """The counts of each part, or the text of a SelfJError."""
        return [self._counted(part) for part in parts]

    def _counted(self, part: int) -> Counts:
        try:
            counts, error = self._make(part), ""
        except SelfJError as problem:
            counts, error = PartCounts(part, 0, 0, 0), _as_text(problem)
        return {"rows_out": counts.rows_out, "rejected": counts.rejected, "error": error}

    def _make(self, part: int) -> PartCounts:
        if self.folder.has(part):
            # A worker was killed between writing the part and telling so: Ray asks for it once more.
            return self.folder.counts(part)
        if self.maker is None:
            self.maker = self.build()
        made = self.maker.make(self.run, part)
        return self.folder.write(part, made.rows, made.rejects, made.rows_in)


def _as_text(problem: SelfJError) -> str:
    return f"{type(problem).__name__}: {problem}"


def _from_text(text: str) -> SelfJError:
    name, _, message = text.partition(": ")
    kind = getattr(errors, name, SelfJError)
    return kind(message)  # type: ignore[no-any-return]
