"""One table of a run: its parts, its rejects, its manifest, and the fingerprint that says whether finished parts can be kept.

`TABLE/part-00000.parquet`, `TABLE/rejected/part-00000.parquet`, `TABLE/_manifest.json`. A part is written beside, flushed
and renamed: it is whole or absent. Its rejects are written before it, so a part that is there is complete.
"""

import contextlib
import dataclasses
import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from selfj import __version__
from selfj.config import SELF_JUDGE_STEPS, STEPS
from selfj.errors import RunFolderError
from selfj.records import Rejected, schema, to_table
from selfj.store import TORN, Store, hash_of

MANIFEST = "_manifest.json"
_PART = re.compile(r"part-(\d+)\.parquet$")
_ROWS_IN = b"selfj.rows_in"
_ROW_GROUP = 500
"""Rows of a Parquet row group: small, so that a range of a sorted part can be read without the rest."""
_OPTIONS = {"row_group_size": _ROW_GROUP}
_NARROW_ROW_GROUP = 10_000
"""The same where all columns are numbers: as many bytes."""


@dataclass
class Fingerprint:
    """What the rows of a table depend on; the same fingerprint means that finished parts can be kept."""

    settings: dict[str, Any]
    """Settings of the step, without resources."""
    inputs: dict[str, str]
    """Hash of each input: an upstream table's fingerprint, a file's or a model's content."""
    code: str = __version__
    """Version of the package."""

    @property
    def digest(self) -> str:
        """64-bit hash as hexadecimal digits."""
        return hash_of(dataclasses.asdict(self))

    def changes(self, other: "Fingerprint") -> list[str]:
        """What differs in `other`, in words: `sample.temperature: 1.0 → 0.8`."""
        mine, theirs = _flat(dataclasses.asdict(self)), _flat(dataclasses.asdict(other))
        keys = [key for key in mine | theirs if mine.get(key) != theirs.get(key)]
        return [f"{key.removeprefix('settings.')}: {mine.get(key)} → {theirs.get(key)}" for key in keys]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        items = {str(i): item for i, item in enumerate(value)}.items()
    else:
        return {prefix: value}
    return {key: leaf for name, item in items for key, leaf in _flat(item, f"{prefix}.{name}" if prefix else str(name)).items()}


@dataclass
class Manifest:
    """What a table holds and how it came to be; `finished` only once its counts reconcile."""

    table: str
    fingerprint: Fingerprint
    finished: bool = False
    rows_in: int = 0
    rows_out: int = 0
    rejected: int = 0
    seconds: float = 0.0
    """Working time of all attempts together."""
    parts: int = 0
    parts_total: int | None = None
    """Parts to expect, once known."""
    details: dict[str, Any] = field(default_factory=dict)
    """What else a step wants to tell (fitted constants, rates)."""

    @property
    def rows_per_second(self) -> float:
        """Rows out per second of working time."""
        return self.rows_out / self.seconds if self.seconds else 0.0


@dataclass
class PartCounts:
    """Rows of one finished part."""

    part: int
    rows_in: int
    rows_out: int
    rejected: int


class TableFolder:
    """One table of a run."""

    def __init__(self, store: Store, name: str, restart: str = "") -> None:
        """`restart`: what to restart from if its settings have changed, where that is not the step itself."""
        self.store = store
        self.name = name
        self.restart = restart

    def parts(self) -> list[int]:
        """Numbers of the finished parts, ascending."""
        found = (_PART.fullmatch(name) for name in self.store.names(self.name))
        return sorted(int(match.group(1)) for match in found if match)

    def has(self, part: int) -> bool:
        """Whether a part is finished."""
        return self.store.exists(self._part(part))

    def read(self, part: int, columns: list[str] | None = None) -> pa.Table:
        """One part."""
        return pq.read_table(pa.BufferReader(self.store.read(self._part(part))), columns=columns)

    def open(self, part: int) -> pq.ParquetFile:
        """One part as a file whose row groups can be read one by one."""
        return pq.ParquetFile(self.store.filesystem.open(self.store.path(self._part(part)), "rb"))

    def read_all(self, columns: list[str] | None = None) -> pa.Table:
        """All parts in order; only for what fits in memory (evaluation, tests)."""
        parts = [self.read(part, columns) for part in self.parts()]
        if not parts:
            raise RunFolderError(f"{self.store.address}/{self.name}: the table has no parts; run the step that makes it first")
        return pa.concat_tables(parts)

    def write(self, part: int, rows: pa.Table, rejects: list[Rejected], rows_in: int) -> PartCounts:
        """Write one part and its rejects; `rows_in` is what they were made from."""
        if rejects:
            self.store.write(self._rejects(part), _parquet(to_table(Rejected, rejects)))
        else:
            self.store.remove(self._rejects(part))
        marked = rows.replace_schema_metadata({_ROWS_IN: str(rows_in).encode()})
        self.store.write(self._part(part), _parquet(marked))
        return PartCounts(part, rows_in, rows.num_rows, len(rejects))

    def counts(self, part: int) -> PartCounts:
        """Row counts of a finished part, from its files' headers."""
        footer = self.open(part).metadata
        rejects = self._rejects(part)
        count = (
            pq.read_metadata(self.store.filesystem.open(self.store.path(rejects), "rb")).num_rows
            if self.store.exists(rejects)
            else 0
        )
        return PartCounts(part, int(footer.metadata[_ROWS_IN]), footer.num_rows, count)

    def rejected(self) -> pa.Table:
        """All rejects of the table."""
        folder = f"{self.name}/rejected"
        names = [name for name in self.store.names(folder) if _PART.fullmatch(name)]
        tables = [pq.read_table(pa.BufferReader(self.store.read(f"{folder}/{name}"))) for name in names]
        return pa.concat_tables(tables) if tables else schema(Rejected).empty_table()

    def manifest(self) -> Manifest | None:
        """The manifest, or None if the table was never begun."""
        name = f"{self.name}/{MANIFEST}"
        if not self.store.exists(name):
            return None
        values = json.loads(self.store.read(name))
        values.pop("rows_per_second", None)
        return Manifest(**{**values, "fingerprint": Fingerprint(**values["fingerprint"])})

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest."""
        values = {**dataclasses.asdict(manifest), "rows_per_second": round(manifest.rows_per_second, 2)}
        self.store.write(f"{self.name}/{MANIFEST}", json.dumps(values, indent=1, ensure_ascii=False).encode())

    def begin(self, fingerprint: Fingerprint, step: str) -> Manifest:
        """Manifest to go on with: the one that is there if its fingerprint is the same, else a new one.

        Raises RunFolderError if parts were made with another fingerprint; it says what changed.
        """
        manifest = self.manifest()
        if manifest is None:
            manifest = Manifest(self.name, fingerprint)
            self.write_manifest(manifest)
        elif manifest.fingerprint.digest != fingerprint.digest:
            changed = "; ".join(manifest.fingerprint.changes(fingerprint)[:5])
            raise RunFolderError(
                f"{self.store.address}/{self.name} was made with other settings ({changed}); "
                f"{self._way_out(step)}, or choose another --name"
            )
        return manifest

    def _way_out(self, step: str) -> str:
        known = self.restart or step in (*STEPS, *SELF_JUDGE_STEPS)
        return f"accept the change with --restart-from {self.restart or step}" if known else f"remove {self.store.address}"

    def finished(self, fingerprint: Fingerprint) -> Manifest | None:
        """The manifest, if the table is finished and was made with this fingerprint."""
        manifest = self.manifest()
        same = manifest is not None and manifest.finished and manifest.fingerprint.digest == fingerprint.digest
        return manifest if same else None

    def finish(self, manifest: Manifest) -> Manifest:
        """Check that rows in = rows out + rejected over all parts, and mark the table finished."""
        counts = [self.counts(part) for part in self.parts()]
        manifest.parts = len(counts)
        manifest.rows_in = sum(part.rows_in for part in counts)
        manifest.rows_out = sum(part.rows_out for part in counts)
        manifest.rejected = sum(part.rejected for part in counts)
        if manifest.rows_in != manifest.rows_out + manifest.rejected:
            raise RunFolderError(
                f"{self.store.address}/{self.name}: {manifest.rows_in} rows in, "
                f"but {manifest.rows_out} out and {manifest.rejected} rejected; "
                "this is a fault of the step, please report it"
            )
        manifest.finished = True
        self.write_manifest(manifest)
        self._remove_torn_files()
        return manifest

    def _part(self, part: int) -> str:
        return f"{self.name}/part-{part:05d}.parquet"

    def _rejects(self, part: int) -> str:
        return f"{self.name}/rejected/part-{part:05d}.parquet"

    def _remove_torn_files(self) -> None:
        for folder in (self.name, f"{self.name}/rejected"):
            for name in self.store.names(folder):
                if name.endswith(TORN):
                    self.store.remove(f"{folder}/{name}")


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    narrow = all(pa.types.is_primitive(column.type) for column in table.schema)
    pq.write_table(table, buffer, compression="zstd", **(_narrow_options(table.schema) if narrow else _OPTIONS))
    return buffer.getvalue()


def _narrow_options(columns: pa.Schema) -> dict[str, Any]:
    """Sorted and small integers take the bytes of their differences."""
    integers = {column.name: "DELTA_BINARY_PACKED" for column in columns if pa.types.is_integer(column.type)}
    return {"row_group_size": _NARROW_ROW_GROUP, "use_dictionary": False, "column_encoding": integers}


@contextlib.contextmanager
def timed(table: TableFolder, manifest: Manifest) -> Iterator[None]:
    """Add the time spent inside to the manifest, also when it ends in an error."""
    started = time.monotonic()
    try:
        yield
    finally:
        manifest.seconds = round(manifest.seconds + time.monotonic() - started, 2)
        with contextlib.suppress(RunFolderError):
            table.write_manifest(manifest)
