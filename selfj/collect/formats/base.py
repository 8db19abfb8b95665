"""What all formats share: where a shard begins and ends, a raw row or why there is none, and how a format reads both."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from selfj.collect_settings import SourceSettings
from selfj.store import content_hash

MEBIBYTE = 1 << 20
SHARD_BYTES = 32 * MEBIBYTE
"""Text files are cut into shards of about so many bytes: what one worker holds in memory at a time."""


class RowProblem(Exception):
    """A row cannot be used: the field at fault, if one is, and the reason (`kind: details`)."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


@dataclass(frozen=True)
class Span:
    """Rows of one input."""

    start: int = 0
    """First row, counted from 0 in the input."""
    stop: int | None = None
    """Row after the last one; None for all that follow."""
    offset: int = 0
    """Byte (of the uncompressed text) at which `start` begins; text formats only."""


@dataclass
class RawRow:
    """A row as it was read: its values, or the problem that kept it from being read."""

    row: int
    values: dict[str, Any] | None = None
    problem: RowProblem | None = None
    content: str = ""
    """What could be read of a row with a problem."""


class OpenInput:
    """An input that can only be read forwards (compressed, streamed), kept open from shard to shard: a worker's next one mostly
    begins further on, and what lies between is passed over. Read anew for each, the work would grow with its length squared.
    """

    def __init__(self) -> None:
        self.address = ""
        """Empty if none is open."""
        self.row = 0
        """Row that comes next."""
        self.items: Iterator[Any] = iter(())

    def rows(self, address: str, span: Span, begin: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """One item for each row of a shard; `begin` opens the input at the shard's first row."""
        if address != self.address or span.start < self.row:
            self.row, self.items = span.start, begin()
        self.address = ""  # until the shard is through: what breaks or ends is not gone on with
        for _ in itertools.islice(self.items, span.start - self.row):
            self.row += 1
        for item in itertools.islice(self.items, None if span.stop is None else span.stop - span.start):
            self.row += 1
            yield item
        if self.row == span.stop:
            self.address = address


class Format(ABC):
    """One way in which instructions are stored. A new one is a subclass and a line in `FORMATS`."""

    extensions: tuple[str, ...] = ()
    """Endings of its files, without the dot. None: it is not read from single files."""

    def __init__(self, source: SourceSettings, row_bytes: int) -> None:
        self.source = source
        self.row_bytes = row_bytes
        """Longest row that is read."""
        self.open_input = OpenInput()

    @abstractmethod
    def spans(self, address: str, limit: int | None) -> list[Span]:
        """Shards of one input, in order and the same every time; at most `limit` rows together.

        Raises DataError if the input cannot be read at all.
        """

    @abstractmethod
    def rows(self, address: str, span: Span) -> Iterator[RawRow]:
        """Rows of one shard, one at a time. Raises DataError if the input cannot be read on, and rows would be lost."""

    def fingerprint(self, address: str) -> str:
        """Hash of the input's content, as far as it can be known without reading all of it."""
        return content_hash(address)


def even_spans(rows: int, limit: int | None) -> list[Span]:
    """Shards of an input whose rows can be reached by number: 2,000 rows, and up to 20,000 where there are many."""
    total = rows if limit is None else min(rows, limit)
    size = min(20_000, max(2_000, total // 64))
    return [Span(start, min(start + size, total)) for start in range(0, total, size)]


def printable(text: str) -> str:
    """Text that any table can hold: lone surrogate code points become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
