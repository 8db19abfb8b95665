"""CSV and TSV files with a header line."""

import contextlib
import csv
import io
from collections.abc import Iterator
from typing import Any

from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.text import Frame, Line, TextFormat, bounded_lines
from selfj.records import CONTENT_LIMIT


class CsvRows(TextFormat):
    """Records of a CSV file; quoted fields may hold line breaks."""

    extensions: tuple[str, ...] = ("csv",)
    delimiter = ","
    columns: list[str]
    """From the header, once `first_row` has read it."""

    def first_row(self, stream: io.BufferedReader) -> int | None:
        """Read the header; the rows begin behind it."""
        lines = _RecordLines(stream, super().first_row(stream) or 0, self.row_bytes)
        header = next(self._records(lines), None)
        if isinstance(header, RowProblem):
            raise header
        self.columns = [name.strip() for name in header or []]
        return lines.offset if header else None

    def frames(self, stream: io.BufferedReader, offset: int) -> Iterator[Frame]:
        """One frame a record."""
        lines = _RecordLines(stream, offset, self.row_bytes)
        for record in self._records(lines):
            if isinstance(record, RowProblem):
                yield Frame(lines.record_offset, problem=record, content=lines.shown)
            elif record:
                yield Frame(lines.record_offset, record)

    def _records(self, lines: "_RecordLines") -> Iterator[list[str] | RowProblem]:
        csv.field_size_limit(self.row_bytes)
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        while True:
            lines.begin_record()
            try:
                yield next(reader)
            except StopIteration:
                return
            except _TooLong:
                yield self.too_long(lines.offset - lines.record_offset)
            except csv.Error as problem:
                yield RowProblem(f"malformed CSV: {problem}")

    def parse(self, raw: list[str]) -> dict[str, Any]:
        """Values of one record by the header's names."""
        if len(raw) != len(self.columns):
            raise RowProblem(f"wrong column count: {len(raw)} columns, the header has {len(self.columns)}")
        try:
            "\n".join(raw).encode()
        except UnicodeEncodeError as problem:
            wrong = ord(problem.object[problem.start]) - 0xDC00
            raise RowProblem(f"invalid UTF-8: byte 0x{wrong:02x} in the row") from None
        return dict(zip(self.columns, raw, strict=True))


class TsvRows(CsvRows):
    """The same with tabs."""

    extensions = ("tsv",)
    delimiter = "\t"


class _TooLong(Exception):
    """A record is longer than what is read; csv.reader begins anew with the record after it."""


class _RecordLines:
    """Lines for csv.reader, which knows where the record began."""

    def __init__(self, stream: io.BufferedReader, offset: int, limit: int) -> None:
        self.lines = bounded_lines(stream, offset, limit)
        self.limit = limit
        self.offset = self.record_offset = offset
        self.begin_record()

    def begin_record(self) -> None:
        """The next line begins a record."""
        self.record_offset = self.offset
        self.quotes = 0
        self.shown = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._next_line()
        if len(self.shown) < CONTENT_LIMIT:
            self.shown += line.raw[:CONTENT_LIMIT].decode("utf-8", "replace")
        if line.too_long or self.offset - self.record_offset > self.limit:
            self._pass_record()
            raise _TooLong
        # Bytes that are not UTF-8 come through as lone surrogates; `parse` finds them.
        return line.raw.decode("utf-8", "surrogateescape")

    def _next_line(self) -> Line:
        line = next(self.lines)
        self.offset = line.offset + line.length
        self.quotes += line.quotes if line.too_long else line.raw.count(b'"')
        return line

    def _pass_record(self) -> None:
        """Pass the lines up to the one that closes the last quoted field: where quotation marks are even."""
        with contextlib.suppress(StopIteration):
            while self.quotes % 2:
                self._next_line()
