"""Who takes part in a tournament job: the answers of a run, or a table from anywhere."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from selfj.collect.fields import checked_text, first_label, metadata_of, required_text, value_of
from selfj.collect.formats import RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.contests.rows import Contest
from selfj.contests.settings import TournamentSettings
from selfj.errors import RunFolderError
from selfj.evaluate.data.reading import Columns, Place, Values, instruction_of, read_rows
from selfj.evaluate.judging import Pair, beside_instructions
from selfj.records import Rejected, from_table, instruction_id
from selfj.run import RunFolder

STEP = "tournament"


@dataclass
class PartOfContests:
    """Contests of one part, and the rows that take part in none."""

    contests: list[Contest]
    rejects: list[Rejected]
    rows_in: int


def contests_of_run(run: RunFolder, settings: TournamentSettings) -> Iterator[PartOfContests]:
    """The answers to each instruction compete, part by part of the run.

    Raises RunFolderError if the run has none of the tables, or nothing of the splits.
    """
    tables = [name for name in settings.tables if (found := run.table(name).manifest()) is not None and found.finished]
    if not tables:
        raise RunFolderError(f"{run.address}: there is no finished table {' or '.join(settings.tables)}; run its step first")
    made = [name for name in tables if holds_contests(run, name)]
    if made:
        yield from _as_they_are(run, made, settings)
        return
    run.upstream("instructions", STEP)
    for part in run.table("instructions").parts():
        pairs = [pair for name in tables for pair in _part(run, part, name, settings)]
        grouped = itertools.groupby(sorted(pairs, key=_instruction_of), key=_instruction_of)
        contests = [_contest([*found], settings) for _, found in grouped]
        yield PartOfContests(contests, [], len(contests))


def holds_contests(run: RunFolder, table: str) -> bool:
    """Whether a table has contests already (`answers_NAME` of a SELF-JUDGE run)."""
    folder = run.table(table)
    return any("responses" in folder.open(part).schema_arrow.names for part in folder.parts()[:1])


def _as_they_are(run: RunFolder, tables: Sequence[str], settings: TournamentSettings) -> Iterator[PartOfContests]:
    for name in tables:
        for part in run.table(name).parts():
            rows: list[Contest] = from_table(Contest, run.table(name).read(part))
            most = settings.most
            contests = [replace(row, responses=row.responses[:most], response_ids=row.response_ids[:most]) for row in rows]
            yield PartOfContests(contests, [], len(contests))


def _part(run: RunFolder, part: int, table: str, settings: TournamentSettings) -> list[Pair]:
    return beside_instructions(run, part, table, settings.splits) if run.table(table).has(part) else []


def _instruction_of(pair: Pair) -> str:
    return pair[0].instruction_id


def _contest(pairs: Sequence[Pair], settings: TournamentSettings) -> Contest:
    asked, answers = pairs[0][0], [answer for _, answer in pairs][: settings.most]
    return Contest(
        contest_id=asked.instruction_id,
        instruction=asked.instruction,
        responses=[answer.response for answer in answers],
        response_ids=[answer.response_id for answer in answers],
        category=asked.category,
        metadata=asked.metadata,
    )


@dataclass(frozen=True)
class _Entry:
    """What one row of a table brings: all responses of a contest (`listed`), or one."""

    contest: Contest
    listed: bool


def contests_of_table(settings: TournamentSettings) -> Iterator[PartOfContests]:
    """The contests of a table, its rejects with the first part. All of it is in memory.

    Raises DataError if nothing can be read, or if not one row takes part.
    """
    columns = Columns(instruction=settings.instruction, response=settings.response)
    read = partial(_entry, settings=settings, columns=columns)
    rows, unusable = read_rows(settings.path, settings.rows, read, columns)
    contests, rejects = list(_competing(rows, settings.most)), [replace(row, step=STEP) for row in unusable]
    for start in range(0, len(contests), settings.rows_per_part):
        part = contests[start : start + settings.rows_per_part]
        yield PartOfContests(part, rejects, len(part) + len(rejects))
        rejects = []


def _entry(place: Place, values: Values, settings: TournamentSettings, columns: Columns) -> _Entry:
    instruction = instruction_of(values, columns)
    name = next((name for name in settings.responses if value_of(values, name) is not None), None)
    if name is None:
        key = first_label(values, ["instruction_id"]) or instruction_id(instruction)
        texts, ids = [_single(values, settings)], [first_label(values, ["response_id", "id"]) or f"{key}-{place.row}"]
    else:
        texts = _list(value_of(values, name), name)
        key = first_label(values, ["contest_id", "instruction_id", "id"]) or place.key
        ids = [f"{key}-{number}" for number in range(len(texts))]
    return _Entry(Contest(key, instruction, texts, ids, place.category, metadata_of(values, ["metadata"])), name is not None)


def _list(found: Any, name: str) -> list[str]:
    if not isinstance(found, list):
        raise RowProblem(f"wrong type: {json_kind(found)} where a list of responses is expected", name)
    if not found:
        raise RowProblem(f"empty {name}: a list without responses", name)
    return [_text(text, name) for text in found]


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RowProblem(f"wrong type: {json_kind(value)} where a response is expected", name)
    return checked_text(value, name)


def _single(values: Values, settings: TournamentSettings) -> str:
    name = next((name for name in settings.response if value_of(values, name) is not None), None)
    if name is None:
        return required_text(values, settings.response, "response")
    return _text(value_of(values, name), name)


def _competing(entries: Sequence[_Entry], most: int | None) -> Iterator[Contest]:
    """Rows with a list as they are; single responses together with the others to the same instruction, at its first one."""
    grouped: dict[Any, list[Contest]] = {}
    for number, entry in enumerate(entries):
        group = number if entry.listed else (entry.contest.contest_id, entry.contest.instruction)
        grouped.setdefault(group, []).append(entry.contest)
    for found in grouped.values():
        texts, ids = ([item for row in found for item in getattr(row, name)][:most] for name in ("responses", "response_ids"))
        yield replace(found[0], responses=texts, response_ids=ids)
