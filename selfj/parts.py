"""The parts of a table, made by a pool of Ray workers (Ray Data): the one way in which a step runs in parallel.

A worker takes the number of a part, reads what it needs from the run folder, and writes that part. What crosses process
borders is a number and four counts, so memory is bounded by the parts in flight. A worker that dies is replaced and its
part made again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa

from selfj import errors
from selfj.errors import SelfJError
from selfj.progress import Progress
from selfj.records import Rejected
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest, PartCounts, TableFolder, timed

QUIET = {"TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore", "TRANSFORMERS_VERBOSITY": "error"}
"""Environment of workers whose libraries would fill a job's log."""


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
class Pool:
    """How many workers make parts, and what Ray reserves for each."""

    workers: int = 1
    cpus: float = 1
    gpus: float = 0
    environment: dict[str, str] = field(default_factory=dict)
    """Environment variables of the workers."""
    together: int = 1
    """Neighbouring parts that a worker takes at a time: what it read for one may serve the next."""


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
    import ray

    logging.getLogger("ray.data").setLevel(logging.WARNING)
    progress = Progress(f"{table.step}: {table.name}", None if table.rows is None else table.rows - done)
    # Ray says once that its workers "have constructor arguments in the object store" (issue 57733): its own, not ours. Only
    # max_restarts=0 silences it, and then a worker that dies is not replaced.
    groups = [missing[start : start + pool.together] for start in range(0, len(missing), pool.together)]
    data = ray.data.from_items([{"parts": group} for group in groups], override_num_blocks=len(groups))
    made = data.map_batches(
        _Worker,
        fn_constructor_args=(run.address, table.name, maker),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(pool.workers, len(groups))),
        **_reservation(pool),
    )
    for row in made.iter_rows():
        if row["error"]:
            raise _from_text(row["error"])
        progress.add(int(row["rows_out"] + row["rejected"]))
    progress.show()


def _reservation(pool: Pool) -> dict[str, Any]:
    options: dict[str, Any] = {"num_cpus": pool.cpus, "runtime_env": {"env_vars": {**QUIET, **pool.environment}}}
    if pool.gpus:
        options["num_gpus"] = pool.gpus
    return options


class _Worker:
    """Built by Ray Data in an actor. What a user can mend travels as a value: Ray's wrappers keep only its text."""

    def __init__(self, address: str, table: str, maker: Callable[[], PartMaker]) -> None:
        self.run = RunFolder(address)
        self.folder = self.run.table(table)
        self.build = maker
        self.maker: PartMaker | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Some parts: the counts of each, or the text of a SelfJError."""
        (parts,) = batch["parts"]
        made = [self._counted(int(part)) for part in parts]
        return {name: [counts[name] for counts in made] for name in made[0]}

    def _counted(self, part: int) -> dict[str, Any]:
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
