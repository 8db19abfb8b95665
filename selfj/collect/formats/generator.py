"""Generators: `MODULE:FUNCTION`, called with a seed and a range of rows."""

from collections.abc import Callable, Iterator
from typing import Any

from selfj.collect.formats.base import Format, RawRow, RowProblem, Span, even_spans
from selfj.collect.formats.jsonl import json_kind
from selfj.errors import DataError
from selfj.plugins import load_function
from selfj.store import function_hash

Generator = Callable[[int, int, int], Iterator[Any]]


class GeneratedRows(Format):
    """Rows that `function(seed, start, stop)` yields: row `i` is the same in whatever range it is asked for."""

    def spans(self, address: str, limit: int | None) -> list[Span]:
        """Shards of `rows` rows together."""
        if limit is None:
            raise DataError(f"{address}: say how many instructions it should make (the source's `rows`)")
        self.function(address)
        return even_spans(limit, None)

    def rows(self, address: str, span: Span) -> Iterator[RawRow]:
        """What the function yields; an error inside it comes out as it is."""
        made = self.function(address)(self.source.seed, span.start, span.stop or span.start)
        for row, values in enumerate(made, start=span.start):
            if isinstance(values, dict):
                yield RawRow(row, values)
            else:
                problem = RowProblem(f"not an object: the generator made {json_kind(values)}")
                yield RawRow(row, problem=problem, content=str(values))

    def function(self, address: str) -> Generator:
        """The function itself. Raises DataError if there is none of that name."""
        return load_function(address, "collect.sources")

    def fingerprint(self, address: str) -> str:
        """Hash of its module's file; seed and rows are in the settings."""
        return function_hash(address)
