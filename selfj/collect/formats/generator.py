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
        """What the function yields. Raises DataError for whatever error it ends in."""
        row = span.start
        try:
            for values in self.function(address)(self.source.seed, span.start, span.stop or span.start):
                yield _row(row, values)
                row += 1
        except DataError:
            raise
        except Exception as problem:  # a user's function fails in many ways
            what = " ".join(f"{type(problem).__name__}: {problem}".split())
            raise DataError(
                f"{address}: breaks off at row {row} ({what}); mend the function or leave the source out"
            ) from problem

    def function(self, address: str) -> Generator:
        """The function itself. Raises DataError if there is none of that name."""
        return load_function(address, "collect.sources")

    def fingerprint(self, address: str) -> str:
        """Hash of its module's file; seed and rows are in the settings."""
        return function_hash(address)


def _row(number: int, values: Any) -> RawRow:
    if isinstance(values, dict):
        return RawRow(number, values)
    problem = RowProblem(f"not an object: the generator made {json_kind(values)}")
    return RawRow(number, problem=problem, content=str(values))
