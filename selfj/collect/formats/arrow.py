"""Formats that hold Arrow tables: Parquet files, and `datasets` on disk or from the Hugging Face hub."""

import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from selfj.collect.formats.base import Format, RawRow, RowProblem, Span, even_spans
from selfj.collect_settings import SourceSettings
from selfj.errors import DataError
from selfj.store import content_hash, hash_of

_BATCH = 256
"""Rows that are turned from Arrow into Python at a time."""


class ParquetRows(Format):
    """Rows of Parquet files; only the columns that `fields` names are read."""

    extensions = ("parquet", "pq")

    def spans(self, address: str, limit: int | None) -> list[Span]:
        """Shards by row number, from the file's footer."""
        with _open_parquet(address) as file:
            return even_spans(file.metadata.num_rows, limit)

    def rows(self, address: str, span: Span) -> Iterator[RawRow]:
        """Rows of the row groups that the shard touches."""
        with _open_parquet(address) as file:
            first, groups = _row_groups(file.metadata, span)
            columns = _wanted(self.source, file.schema_arrow.names)
            for batch in file.iter_batches(batch_size=_BATCH, row_groups=groups, columns=columns):
                for row in _rows_of(pa.table(batch), first):
                    if span.start <= row.row < _end(span):
                        yield row
                first += batch.num_rows


class SavedDataset(Format):
    """A folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote."""

    def spans(self, address: str, limit: int | None) -> list[Span]:
        """Shards by row number."""
        return even_spans(len(self.dataset(address)), limit)

    def rows(self, address: str, span: Span) -> Iterator[RawRow]:
        """Rows of one shard, from memory-mapped files."""
        dataset = self.dataset(address)
        wanted = _wanted(self.source, dataset.column_names)
        names = _class_names(dataset.features)
        arrow = (dataset.select_columns(wanted) if wanted else dataset).with_format("arrow")
        for start in range(span.start, _end(span), _BATCH):
            for row in _rows_of(_piece(arrow, start, min(start + _BATCH, _end(span)), address), start):
                yield _with_class_names(row, names)

    def dataset(self, address: str) -> Any:
        """The `datasets.Dataset`. Raises DataError if there is none at the address."""
        import datasets

        try:
            found = datasets.load_from_disk(address)
        except (OSError, ValueError, pa.ArrowException) as problem:
            what = _one_line(problem)
            raise DataError(f"{address}: not a readable data set folder ({what}); write it by save_to_disk") from None
        return self.one_split(found, address)

    def one_split(self, found: Any, address: str) -> Any:
        """The data set itself, or of several splits the one that the settings name."""
        if not isinstance(found, dict):
            return found
        if self.source.split not in found:
            there = ", ".join(map(str, found))
            raise DataError(f"{address}: no split {self.source.split!r}; set the source's `split` to one of {there}")
        return found[self.source.split]


class HubDataset(SavedDataset):
    """`hf://OWNER/NAME`, by `datasets.load_dataset`. All of it is downloaded once to the machine's cache and memory-mapped;
    if the source asks for so many `rows`, only those are streamed.
    """

    class_names: dict[str, list[str]]
    """Of the stream, once it is open."""

    def spans(self, address: str, limit: int | None) -> list[Span]:
        """Shards by row number; of a stream as many as were asked for."""
        if self.source.rows is None:
            return super().spans(address, limit)
        self.loaded(address, streaming=True)
        return even_spans(limit or 0, None)

    def rows(self, address: str, span: Span) -> Iterator[RawRow]:
        """Rows of one shard."""
        if self.source.rows is None:
            yield from super().rows(address, span)
            return
        row = span.start
        try:
            for row, values in enumerate(self.open_input.rows(address, span, lambda: self._streamed(address, span)), span.start):
                yield _with_class_names(RawRow(row, values), self.class_names)
        except Exception as problem:  # as in `loaded`
            raise DataError(f"{address}: breaks off after row {row} ({type(problem).__name__}: {_one_line(problem)})") from None

    def _streamed(self, address: str, span: Span) -> Iterator[dict[str, Any]]:
        stream = self.loaded(address, streaming=True)
        self.class_names = _class_names(stream.features or {})
        return itertools.islice(stream, span.start, None)

    def dataset(self, address: str) -> Any:
        """The memory-mapped data set."""
        return self.loaded(address, streaming=False)

    def loaded(self, address: str, *, streaming: bool) -> Any:
        """The data set from the hub, its cache, or a local folder (`hf:///data/name`).

        Raises DataError for what the hub, the network or the data set's own files may raise.
        """
        import datasets

        name = address.removeprefix("hf://")
        if _is_saved(name):
            saved = super().dataset(name)
            return saved.to_iterable_dataset() if streaming else saved
        datasets.disable_progress_bars()
        config, split, revision = self.source.config or None, self.source.split, self.source.revision
        try:
            return datasets.load_dataset(name, config, split=split, revision=revision, streaming=streaming)
        except Exception as problem:  # hub, network, cache and the data set's files fail in many ways
            what = f"{type(problem).__name__}: {_one_line(problem)}"
            mend = "check its name, `config`, `split` and `revision`, and the network"
            raise DataError(f"{address}: cannot be loaded ({what}); {mend}") from None

    def fingerprint(self, address: str) -> str:
        """Hash of the content of a local folder, else of the name; `revision` fixes the content behind a name."""
        name = address.removeprefix("hf://")
        return content_hash(name) if os.path.isdir(name) else hash_of(address)


def _piece(arrow: Any, start: int, stop: int, address: str) -> pa.Table:
    try:
        return arrow[start:stop]
    except (pa.ArrowException, OSError) as problem:
        raise DataError(f"{address}: breaks off at row {start} ({_one_line(problem)}); write it again or leave it out") from None


def _is_saved(folder: str) -> bool:
    return os.path.exists(f"{folder}/state.json") or os.path.exists(f"{folder}/dataset_dict.json")


@contextlib.contextmanager
def _open_parquet(address: str) -> Iterator[pq.ParquetFile]:
    try:
        with fsspec.open(address, "rb") as stream:
            yield pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as problem:
        what = _one_line(problem)
        raise DataError(f"{address}: not a readable Parquet file ({what}); write it again or leave it out") from None


def _row_groups(metadata: pq.FileMetaData, span: Span) -> tuple[int, list[int]]:
    """Number of the first row, and the row groups, that hold the rows of a span."""
    groups, starts, start = [], [], 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if start < _end(span) and start + rows > span.start:
            groups.append(group)
            starts.append(start)
        start += rows
    return (starts[0] if starts else 0), groups


def _end(span: Span) -> int:
    assert span.stop is not None, "rows of Arrow tables are counted before"
    return span.stop


def _wanted(source: SourceSettings, present: list[str]) -> list[str] | None:
    """Columns to read; all of them if there is no instruction, so that the rejects show what there is."""
    fields = source.fields
    if not columns_of([*fields.instruction, *fields.conversation]) & set(present):
        return None
    mapped = columns_of(name for names in [*vars(fields).values(), source.only] for name in names)
    return [name for name in present if name in mapped]


def columns_of(names: Iterable[str]) -> set[str]:
    """The names, and the columns that those of them that are paths lead into."""
    return {part for name in names for part in (name, name.partition(".")[0])}


def _rows_of(table: pa.Table, start: int) -> Iterator[RawRow]:
    """Rows of a small table; texts that are not UTF-8 (Arrow does not check them) are the row's problem, not the table's."""
    try:
        values = table.to_pylist()
    except UnicodeDecodeError:
        for index in range(table.num_rows):
            yield _checked_row(table.slice(index, 1), start + index)
        return
    for index, row in enumerate(values):
        yield RawRow(start + index, row)


def _checked_row(table: pa.Table, row: int) -> RawRow:
    values: dict[str, Any] = {}
    for name in table.column_names:
        try:
            values[name] = table.column(name)[0].as_py()
        except UnicodeDecodeError as problem:
            reason = f"invalid UTF-8: byte 0x{problem.object[problem.start]:02x} at {problem.start} of the text"
            return RawRow(row, problem=RowProblem(reason, name), content=problem.object.decode("utf-8", "replace"))
    return RawRow(row, values)


def _class_names(features: Any) -> dict[str, list[str]]:
    return {name: feature.names for name, feature in features.items() if hasattr(feature, "int2str")}


def _with_class_names(row: RawRow, names: dict[str, list[str]]) -> RawRow:
    """Class labels are stored as numbers; the tables have their names."""
    for name, labels in names.items():
        number = row.values.get(name) if row.values else None
        if row.values and number is not None and 0 <= number < len(labels):
            row.values[name] = labels[number]
    return row


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300]
