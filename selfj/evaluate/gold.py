"""Gold: how good an answer really is, where somebody or something knows. Evaluation alone reads it."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import fsspec
import numpy as np
import pyarrow.parquet as pq

from selfj.config import EvaluateSettings
from selfj.errors import DataError
from selfj.evaluate.metrics.measures import Scale
from selfj.evaluate.metrics.weighted import Floats
from selfj.plugins import load_function

NO_GOLD = "evaluate.gold is none"
"""Reason of rows and metrics in a run without gold."""
REASON_LIMIT = 300
GradeFunction = Callable[[dict[str, Any], str], float]


@dataclass
class Answers:
    """Answers whose gold is wanted."""

    response_ids: Sequence[str]
    metadata: Sequence[str]
    """The instructions' metadata column: JSON objects."""
    responses: Sequence[str]


@dataclass
class GoldColumn:
    """Gold of some answers."""

    values: Floats
    """(rows,) NaN where there is none."""
    reasons: list[str | None]
    """(rows,) why there is none; None where there is gold."""


class GoldSource(Protocol):
    """Where gold comes from."""

    description: str

    def gold(self, answers: Answers) -> GoldColumn:
        """Gold of each answer; a row's problem is its reason, never a zero."""


def gold_source(settings: EvaluateSettings) -> GoldSource | None:
    """The source that `evaluate.gold` names; None for `none`.

    Raises DataError if it cannot be used at all: no such file, column or function.
    """
    if settings.gold == "none":
        return None
    source, scale = _source(settings), gold_scale(settings)
    return source if scale is None else OnScale(source, scale)


def gold_scale(settings: EvaluateSettings) -> Scale | None:
    """The scale of gold as the settings name it."""
    return None if settings.gold_scale is None else (settings.gold_scale[0], settings.gold_scale[1])


def _source(settings: EvaluateSettings) -> GoldSource:
    if settings.gold == "column":
        path, column = settings.gold_file, settings.gold_column
        return FileGold.read(path, column) if path else MetadataGold(column)
    if ":" not in settings.gold:
        raise DataError(f"evaluate.gold: {settings.gold!r} is neither none, column nor MODULE:FUNCTION")
    return FunctionGold(settings.gold)


def number(value: Any) -> float:
    """A finite number from a number, boolean or numeric text. Raises ValueError that says what was found instead."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"gold is {str(value)[:40]!r}, not a number") from None
    if not math.isfinite(result):
        raise ValueError(f"gold is {result}, not a finite number")
    return result


def _column(gold_of: Callable[..., float], *columns: Sequence[str]) -> GoldColumn:
    """Each row's gold from its entries in `columns`, one by one; the ValueError that a row raises is its reason."""
    gold, reasons = np.full(len(columns[0]), np.nan), list[str | None]()
    for row, entries in enumerate(zip(*columns, strict=True)):
        try:
            gold[row] = gold_of(*entries)
            reasons.append(None)
        except ValueError as problem:
            reasons.append(str(problem))
    return GoldColumn(gold, reasons)


class OnScale:
    """Gold of another source as far as it lies on a scale: what is beyond is no gold, with the reason."""

    def __init__(self, source: GoldSource, scale: Scale) -> None:
        self.description = source.description
        self._source, self._scale = source, scale

    def gold(self, answers: Answers) -> GoldColumn:
        """Gold of each answer."""
        found, (low, high) = self._source.gold(answers), self._scale
        beyond = (found.values < low) | (found.values > high)
        said = [f"gold {value:g} is not on evaluate.gold_scale, {low:g} to {high:g}" for value in found.values]
        reasons = [text if outside else reason for text, outside, reason in zip(said, beyond, found.reasons, strict=True)]
        return GoldColumn(np.where(beyond, np.nan, found.values), reasons)


class FunctionGold:
    """Gold from `MODULE:FUNCTION`, called with an instruction's metadata and a response."""

    def __init__(self, address: str) -> None:
        """Raises DataError if there is no such function."""
        self.description = address
        self._function = load_function(address, "evaluate.gold")

    def gold(self, answers: Answers) -> GoldColumn:
        """Gold of each answer; whatever the function raises for a row is that row's reason."""
        return _column(self._grade, answers.metadata, answers.responses)

    def _grade(self, metadata: str, response: str) -> float:
        try:
            value = self._function(json.loads(metadata), response)
        except Exception as problem:  # a user's function may raise anything
            raise ValueError(f"{self.description} raised {type(problem).__name__}: {problem}"[:REASON_LIMIT]) from None
        if value is None:
            raise ValueError(f"{self.description} gave no grade")
        return number(value)


class MetadataGold:
    """Gold from a column that the sources kept as metadata: the same for all answers to an instruction."""

    def __init__(self, column: str) -> None:
        self.description = f"column {column} of the instructions' metadata"
        self._name = column

    def gold(self, answers: Answers) -> GoldColumn:
        """Gold of each answer; an instruction without the column is a reason."""
        return _column(self._value, answers.metadata)

    def _value(self, metadata: str) -> float:
        row = json.loads(metadata)
        if self._name not in row:
            there = f"the metadata (there is {_names(row)})"
            raise ValueError(f"no {self._name!r} in {there}; list it in the source's fields.metadata")
        if row[self._name] is None:
            raise ValueError(f"{self._name} is empty in the metadata")
        return number(row[self._name])


class FileGold:
    """Gold from a file with `response_id` and a gold column."""

    def __init__(self, path: str, column: str, values: dict[str, Any]) -> None:
        self.description = f"column {column} of {path.rsplit('/', 1)[-1]}"
        self._values = values
        self._name = column

    @classmethod
    def read(cls, path: str, column: str) -> "FileGold":
        """Read a JSONL, CSV or Parquet file.

        Raises DataError if it cannot be read, lacks a column or names a response twice.
        """
        ids, golds = _two_columns(path, column)
        (key, count), *_ = Counter(ids).most_common(1) or [("", 0)]
        if count > 1:
            raise DataError(f"{path}: response_id {key} stands there {count} times; one gold per response is expected")
        return cls(path, column, dict(zip(ids, golds, strict=True)))

    def gold(self, answers: Answers) -> GoldColumn:
        """Gold of each answer; answers that the file does not have get a reason."""
        return _column(self._value, answers.response_ids)

    def _value(self, response_id: str) -> float:
        if response_id not in self._values:
            raise ValueError("the gold file does not have this response")
        if self._values[response_id] in (None, ""):
            raise ValueError(f"{self._name} is empty in the gold file")
        return number(self._values[response_id])


def _two_columns(path: str, column: str) -> tuple[list[str], list[Any]]:
    readers = {".parquet": _parquet_rows, ".csv": _csv_rows, ".jsonl": _jsonl_rows, ".json": _jsonl_rows}
    read = next((reader for ending, reader in readers.items() if path.lower().endswith(ending)), None)
    if read is None:
        raise DataError(f"evaluate.gold_file: {path} is neither .jsonl, .csv nor .parquet")
    try:
        with fsspec.open(path, "rb") as file:
            rows = read(path, file.read())
    except OSError as problem:
        raise DataError(f"evaluate.gold_file: {path} cannot be read ({problem.strerror or problem})") from None
    return [str(key) for key in _picked(rows, "response_id", path)], _picked(rows, column, path)


def _picked(rows: Mapping[str, list[Any]], column: str, path: str) -> list[Any]:
    if column not in rows:
        raise DataError(f"{path}: there is no column {column!r} (there is {_names(rows)})")
    return rows[column]


def _names(columns: Mapping[str, Any]) -> str:
    return ", ".join(map(str, columns)) or "nothing"


def _parquet_rows(path: str, content: bytes) -> dict[str, list[Any]]:
    try:
        table = pq.read_table(io.BytesIO(content))
    except (OSError, ValueError) as problem:  # pyarrow.ArrowInvalid is a ValueError
        raise DataError(f"{path}: not a Parquet file ({str(problem).splitlines()[0]})") from None
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _csv_rows(path: str, content: bytes) -> dict[str, list[Any]]:
    reader = csv.DictReader(io.StringIO(_text(path, content), newline=""))
    rows = list(reader)
    return {name: [row[name] for row in rows] for name in reader.fieldnames or []}


def _jsonl_rows(path: str, content: bytes) -> dict[str, list[Any]]:
    rows = []
    for line, text in enumerate(_text(path, content).split("\n"), start=1):
        if text.strip():
            rows.append(_json_object(text, path, line))
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _json_object(text: str, path: str, line: int) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as problem:
        raise DataError(f"{path}: line {line} is not JSON ({problem.msg})") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}: line {line} is not a JSON object")
    return row


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DataError(f"{path}: not UTF-8 at byte {problem.start}") from None
