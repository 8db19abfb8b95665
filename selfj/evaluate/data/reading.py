"""Tables of answers from anywhere: which column holds what, what a row must have, and why a row was left out.

Files are read as the collect step reads its sources (Parquet, JSONL, JSON, CSV, compressed ones, folders, `hf://`).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, TypeVar

from selfj.collect.fields import checked_text, first_label, optional_text, required_text
from selfj.collect.formats import FORMATS, RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.collect.formats.text import COMPRESSIONS
from selfj.collect.sources import plan_source, read_shard
from selfj.collect_settings import CollectSettings, FieldSettings, SourceSettings
from selfj.errors import DataError
from selfj.records import Rejected, rejected

STEP = "evaluate"
Row = TypeVar("Row")
Values = dict[str, Any]

FIRST, TIE, SECOND = 1, 0, -1
"""A vote for the first answer of a pair, for neither, for the second."""
_ENDINGS = {ending for reader in FORMATS.values() for ending in reader.extensions} | set(COMPRESSIONS)
_VOTES = {
    **dict.fromkeys(("0", "tie", "both", "equal", "draw", "tie (bothbad)"), TIE),
    **dict.fromkeys(("1", "a", "first", "left", "model_a", "model_1", "response_a"), FIRST),
    **dict.fromkeys(("2", "b", "second", "right", "model_b", "model_2", "response_b"), SECOND),
}


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; of several names the first that holds text is taken."""

    instruction: list[str] = field(default_factory=lambda: ["instruction", "prompt", "question"])
    input: list[str] = field(default_factory=lambda: ["input"])
    """Text the instruction works on; it is put below the instruction."""
    response: list[str] = field(default_factory=lambda: ["response", "output", "answer"])
    reference: list[str] = field(default_factory=lambda: ["reference"])
    category: list[str] = field(default_factory=lambda: ["category", "subset"])
    gold: str | None = None
    """A number, or a list of numbers: the same answer graded several times."""
    first: list[str] = field(default_factory=lambda: ["response_a", "chosen"])
    """First answer of a pair."""
    second: list[str] = field(default_factory=lambda: ["response_b", "rejected"])
    prefer: str | None = None
    """A vote (0 or tie, 1 or a, 2 or b), or a list of votes; None where the first answer is the one preferred."""
    key: list[str] = field(default_factory=lambda: ["id"])
    system: list[str] = field(default_factory=lambda: ["system", "model", "generator"])
    """The system that gave the answer."""
    truth: str | None = None
    """A number for the system (a win rate) or for the answer (a grade), whose mean is how good a system is."""
    score: str | None = None
    """A number that some other tool gave the answer; null where it gave none."""


@dataclass(frozen=True)
class Place:
    """Where a row stands."""

    file: str
    row: int
    key: str
    """The row's own id, or its number."""
    category: str


@dataclass(frozen=True)
class Answer:
    """One answer with what is known about it."""

    place: Place
    instruction: str
    response: str
    reference: str | None
    gold: tuple[float, ...] = ()
    """One number for each time it was graded; empty where nobody asked for gold."""
    system: str = ""
    truth: float | None = None
    score: float | None = None


@dataclass(frozen=True)
class Pair:
    """Two answers to one instruction with the votes on them."""

    place: Place
    instruction: str
    first: str
    second: str
    reference: str | None
    votes: tuple[int, ...]
    """FIRST, TIE or SECOND, at least one."""


def read_answers(path: str, columns: Columns, limit: int | None = None) -> tuple[list[Answer], list[Rejected]]:
    """The answers of a file, folder or `hf://` address, and the rows that are none.

    Raises DataError if nothing can be read, or if not one row is an answer.
    """
    return read_rows(path, limit, lambda place, values: _answer(place, values, columns), columns)


def read_pairs(path: str, columns: Columns, limit: int | None = None) -> tuple[list[Pair], list[Rejected]]:
    """The same for pairs of answers."""
    return read_rows(path, limit, lambda place, values: _pair(place, values, columns), columns)


def read_systems(path: str, columns: Columns, limit: int | None = None) -> tuple[list[Answer], list[Rejected]]:
    """The answers of many systems: one table with a column that names the system, or a folder with one file for each."""
    return read_rows(path, limit, lambda place, values: _system_answer(place, values, columns), columns)


def read_rows(
    path: str, limit: int | None, parse: Callable[[Place, Values], Row], columns: Columns
) -> tuple[list[Row], list[Rejected]]:
    """What `parse` makes of every row, and the rows that raised RowProblem. Raises DataError if it makes nothing of any."""
    rows: list[Row] = []
    rejects: list[Rejected] = []
    for file, number, values in _raw_rows(path, limit):
        try:
            if isinstance(values, _Unread):
                raise values.problem
            rows.append(parse(_place(file, number, values, columns), values))
        except RowProblem as problem:
            rejects.append(rejected(STEP, file, problem.reason, row=number, field=problem.field, content=str(values)))
    if not rows:
        raise DataError(_nothing(path, rejects))
    return rows, rejects


@dataclass(frozen=True)
class _Unread:
    """A row that could not be read."""

    problem: RowProblem
    content: str

    def __str__(self) -> str:
        return self.content


def holds_lists(path: str, columns: Columns) -> bool:
    """Whether the first row has a list of answers where a pair has one (`columns.first`). Raises DataError as reading does."""
    for _, _, values in _raw_rows(path, 1):
        return not isinstance(values, _Unread) and any(isinstance(values.get(name), list) for name in columns.first)
    return False


def _raw_rows(path: str, limit: int | None) -> Iterator[tuple[str, int, Values | _Unread]]:
    source = SourceSettings(path=path, fields=FieldSettings(instruction=[]), rows=limit)  # without it: all columns
    settings = CollectSettings(sources=[source], max_line_megabytes=16)
    for shard in plan_source(0, settings).shards:
        for raw in read_shard(shard, settings):
            if raw.values is None:
                yield shard.label, raw.row, _Unread(raw.problem or RowProblem("no values"), raw.content)
            else:
                yield shard.label, raw.row, raw.values


def _nothing(path: str, rejects: list[Rejected]) -> str:
    if not rejects:
        return f"{path}: there are no rows; give a file that has some"
    (reason, count), *_ = Counter(row.reason for row in rejects).most_common(1)
    name_columns = "name the columns (--instruction, --response, …)"
    return f"{path}: none of {len(rejects)} rows can be used; {count} of them: {reason}; {name_columns}"


def _place(file: str, number: int, values: Values, columns: Columns) -> Place:
    key = first_label(values, columns.key) or str(number)
    return Place(file, number, key, first_label(values, columns.category) or "")


def _answer(place: Place, values: Values, columns: Columns) -> Answer:
    return Answer(
        place=place,
        instruction=instruction_of(values, columns),
        response=_response(values, columns.response, "response"),
        reference=optional_text(values, columns.reference),
        gold=_numbers(values, columns.gold) if columns.gold else (),
    )


def _pair(place: Place, values: Values, columns: Columns) -> Pair:
    return Pair(
        place=place,
        instruction=instruction_of(values, columns),
        first=_response(values, columns.first, "response_a"),
        second=_response(values, columns.second, "response_b"),
        reference=optional_text(values, columns.reference),
        votes=_votes(values, columns.prefer) if columns.prefer else (FIRST,),
    )


def _system_answer(place: Place, values: Values, columns: Columns) -> Answer:
    return Answer(
        place=place,
        instruction=instruction_of(values, columns),
        response=_response(values, columns.response, "response"),
        reference=optional_text(values, columns.reference),
        system=first_label(values, columns.system) or _stem(place.file),
        truth=_number_or_none(values, columns.truth) if columns.truth else None,
        score=_number_or_none(values, columns.score) if columns.score else None,
    )


def _stem(file: str) -> str:
    """The file's name without the endings that say how to read it."""
    path = PurePosixPath(file)
    while path.suffix[1:].lower() in _ENDINGS:
        path = path.with_suffix("")
    return path.name


def instruction_of(values: Values, columns: Columns) -> str:
    """The instruction of a row, with what it works on. Raises RowProblem if there is none."""
    instruction, given = required_text(values, columns.instruction, "instruction"), optional_text(values, columns.input)
    return f"{instruction}\n\n{given}" if given else instruction


def _response(values: Values, names: list[str], what: str) -> str:
    """An answer; one without a character is an answer too (a bad one), a null is none."""
    there = [name for name in names if values.get(name) is not None]
    if not there:
        return required_text(values, names, what)
    text = values[there[0]]
    if not isinstance(text, str):
        raise RowProblem(f"wrong type: {json_kind(text)} where text is expected", there[0])
    return checked_text(text, there[0])


def _numbers(values: Values, name: str) -> tuple[float, ...]:
    return tuple(_finite(value, name) for value in _listed(values, name))


def _number_or_none(values: Values, name: str) -> float | None:
    """A number; null where the row says null, for nobody knows it."""
    return None if name in values and values[name] is None else _finite(_present(values, name), name)


def _finite(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise RowProblem(f"wrong type: {str(value)[:40]!r} where a number is expected", name) from None
    if not math.isfinite(number):
        raise RowProblem(f"not finite: {number} where a number is expected", name)
    return number


def _votes(values: Values, name: str) -> tuple[int, ...]:
    return tuple(_vote(value, name) for value in _listed(values, name))


def _vote(value: Any, name: str) -> int:
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip().lower()
    if text not in _VOTES:
        raise RowProblem(f"not a vote: {text[:40]!r}; 0 or tie, 1 or a, 2 or b is expected", name)
    return _VOTES[text]


def _listed(values: Values, name: str) -> list[Any]:
    value = _present(values, name)
    found = value if isinstance(value, list) else [value]
    if not found:
        raise RowProblem(f"empty {name}: a list without entries", name)
    return found


def _present(values: Values, name: str) -> Any:
    if name not in values:
        raise RowProblem(f"missing {name}: no such column among {', '.join(list(values)[:12])}", name)
    if values[name] is None:
        raise RowProblem(f"empty {name}: null", name)
    return values[name]
