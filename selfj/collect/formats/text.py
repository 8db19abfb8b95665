"""Text formats: streams of bounded rows, in files that may be compressed, cut at byte offsets where they are large."""

import gzip
import io
import zlib
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
import zstandard

from selfj.collect.formats.base import MEBIBYTE, SHARD_BYTES, Format, RawRow, RowProblem, Span, printable
from selfj.errors import DataError
from selfj.records import CONTENT_LIMIT

COMPRESSIONS = ("gz", "zst")
_EXPANSION = 4
"""Text is about so many times as long as its compressed form."""
_BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)
"""What the decompressors raise where a file is damaged or ends too early."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Frame:
    """One row of a text file before it is parsed."""

    offset: int
    """Byte at which it begins."""
    raw: Any = None
    """What `TextFormat.parse` takes; None for what is no row (a blank line)."""
    problem: RowProblem | None = None
    content: str = ""


@dataclass(slots=True)
class Line:
    """One line with its line end; only its beginning if it is too long."""

    offset: int
    raw: bytes
    length: int
    too_long: bool
    quotes: int = 0
    """Quotation marks in a line that is too long: whether it ends inside a quoted CSV field."""


class TextFormat(Format):
    """Rows that follow each other in a text file."""

    shard_bytes = SHARD_BYTES

    @abstractmethod
    def frames(self, stream: io.BufferedReader, offset: int) -> Iterator[Frame]:
        """Rows from `offset` on, where the stream stands; each is at most `row_bytes` long or has a problem."""

    @abstractmethod
    def parse(self, raw: Any) -> dict[str, Any]:
        """Values of one row. Raises RowProblem."""

    def first_row(self, stream: io.BufferedReader) -> int | None:
        """Offset of the first row in a stream that stands at 0; None for a file without rows.

        Raises RowProblem if the file does not begin as this format should.
        """
        return _byte_order_mark(stream)

    def spans(self, address: str, limit: int | None) -> list[Span]:
        """One span for a small file; a larger one is read once to find where its shards begin."""
        filesystem, path = fsspec.core.url_to_fs(address)
        expansion = _EXPANSION if compression(address) else 1
        if limit is None and filesystem.size(path) * expansion <= self.shard_bytes:
            return [Span()]
        return self._marked_spans(address, limit)

    def _marked_spans(self, address: str, limit: int | None) -> list[Span]:
        marks: list[tuple[int, int]] = []
        rows = 0
        for frame in self._frames(address, 0):
            if rows == limit:
                break
            if not marks or frame.offset - marks[-1][1] >= self.shard_bytes:
                marks.append((rows, frame.offset))
            rows += 1
        stops = [row for row, _ in marks[1:]] + [None if limit is None else rows]
        return [Span(row, stop, offset) for (row, offset), stop in zip(marks, stops[: len(marks)], strict=True)]

    def rows(self, address: str, span: Span) -> Iterator[RawRow]:
        """Rows of one shard; where a compressed file breaks off, the break is the last row."""
        for row, frame in enumerate(self._frames_of(address, span), start=span.start):
            if row == span.stop:
                return
            if frame.problem or frame.raw is not None:
                yield self._row(row, frame)

    def _frames_of(self, address: str, span: Span) -> Iterator[Frame]:
        if compression(address):
            return self.open_input.rows(address, span, lambda: self._frames(address, span.offset))
        return self._frames(address, span.offset)

    def _frames(self, address: str, offset: int) -> Iterator[Frame]:
        try:
            with open_stream(address) as stream:
                first = self.first_row(stream)
            if first is not None:
                with open_stream(address) as stream:
                    _go_to(stream, max(first, offset))
                    yield from self.frames(stream, max(first, offset))
        except RowProblem as problem:
            yield Frame(0, problem=problem)
        except _BROKEN as problem:
            yield Frame(offset, problem=RowProblem(f"file breaks off: {problem}; what follows is not read"))

    def _row(self, row: int, frame: Frame) -> RawRow:
        if frame.problem:
            return RawRow(row, problem=frame.problem, content=frame.content)
        try:
            return RawRow(row, self.parse(frame.raw))
        except RowProblem as problem:
            return RawRow(row, problem=problem, content=_shown(frame.raw))

    def too_long(self, length: int) -> RowProblem:
        """The problem of a row of more than `row_bytes` bytes."""
        return RowProblem(f"row too long: {length:,} bytes, at most {self.row_bytes:,} are read (collect.max_line_megabytes)")


def compression(address: str) -> str | None:
    """How a file is compressed, by its name."""
    ending = address.rsplit(".", 1)[-1].lower()
    return ending if ending in COMPRESSIONS else None


@contextmanager
def open_stream(address: str) -> Iterator[io.BufferedReader]:
    """The uncompressed bytes of a file. Raises DataError if it cannot be opened."""
    try:
        with fsspec.open(address, "rb") as file, io.BufferedReader(_uncompressed(file, address), MEBIBYTE) as stream:
            yield stream
    except (FileNotFoundError, PermissionError, IsADirectoryError) as problem:
        raise DataError(f"{address}: cannot be read ({problem.strerror}); check collect.sources") from None


def _uncompressed(file: BinaryIO, address: str) -> Any:
    match compression(address):
        case "gz":
            return gzip.GzipFile(fileobj=file)
        case "zst":
            return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return file


def _go_to(stream: io.BufferedReader, offset: int) -> None:
    if stream.seekable():
        stream.seek(offset)
        return
    while offset > 0 and (skipped := len(stream.read(min(offset, MEBIBYTE)))):
        offset -= skipped


def bounded_lines(stream: io.BufferedReader, offset: int, limit: int) -> Iterator[Line]:
    """Lines of a stream that stands at `offset`; of a line of more than `limit` bytes only the beginning is kept."""
    while raw := stream.readline(limit + 1):
        too_long = len(raw) > limit and not raw.endswith(b"\n")
        line = _pass_long_line(stream, raw, offset) if too_long else Line(offset, raw, len(raw), False)
        yield line
        offset += line.length


def _pass_long_line(stream: io.BufferedReader, piece: bytes, offset: int) -> Line:
    line = Line(offset, piece[:CONTENT_LIMIT], 0, True)
    while piece:
        line.length += len(piece)
        line.quotes += piece.count(b'"')
        piece = b"" if piece.endswith(b"\n") else stream.readline(MEBIBYTE)
    return line


def _byte_order_mark(stream: io.BufferedReader) -> int:
    """Length of the byte order mark, if the stream begins with one; pass it."""
    return len(stream.read(3)) if stream.peek(3).startswith(_BYTE_ORDER_MARK) else 0


def decoded(raw: bytes) -> str:
    """UTF-8 text. Raises RowProblem that says which byte is wrong."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise RowProblem(f"invalid UTF-8: byte 0x{raw[problem.start]:02x} at {problem.start} of the row") from None


def _shown(raw: Any) -> str:
    if isinstance(raw, bytes):
        return raw[: 4 * CONTENT_LIMIT].decode("utf-8", "replace")
    return printable(str(raw)[:CONTENT_LIMIT])
