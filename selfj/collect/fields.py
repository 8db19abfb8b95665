"""From the columns of a source to an instruction: which column holds what, what a text must be, which category it gets."""

import json
import re
from collections.abc import Iterable
from typing import Any

from selfj.collect.conversations import exchange_of
from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.collect_settings import CollectSettings, SourceSettings
from selfj.records import Instruction, instruction_id, split_of

_NO_INPUT = re.compile(r"\W*no ?input(?: (?:is )?(?:required|needed|provided|necessary|given))?\W*", re.I)


def to_instruction(
    values: dict[str, Any], row: int, label: str, source: SourceSettings, settings: CollectSettings
) -> Instruction:
    """One row of a source as an instruction; `label` is what the tables call the source.

    Raises RowProblem if instruction or reference are missing, empty or not text.
    """
    fields = source.fields
    _check_selected(values, source.only)
    instruction, reference = _texts(values, source)
    key = instruction_id(instruction)
    return Instruction(
        instruction_id=key,
        instruction=instruction,
        reference=reference,
        category=category_of(values, source, "" if settings.classifier.enabled else settings.default_category),
        family=first_label(values, fields.family),
        source=label,
        row=row,
        split=split_of(key, settings.test_fraction, settings.calibration_fraction),
        metadata=metadata_of(values, fields.metadata, first_label(values, fields.licence) or source.licence),
    )


def _check_selected(values: dict[str, Any], only: dict[str, str]) -> None:
    for name, pattern in only.items():
        value = value_of(values, name)
        if value is None or not re.search(pattern, str(value)):
            raise RowProblem(f"not selected: {str(value)[:60]!r} does not match `only`", name)


def _texts(values: dict[str, Any], source: SourceSettings) -> tuple[str, str]:
    """Instruction (with its input) and reference, from a conversation where the row has one."""
    fields = source.fields
    for name in fields.conversation:
        conversation = value_of(values, name)
        if conversation is not None:
            asked, answered = exchange_of(conversation, source.exchange, name)
            return checked_text(asked, name), checked_text(answered, name)
    if fields.conversation:
        raise RowProblem(f"missing conversation: no column {_listed(fields.conversation)} among {_listed(list(values))}")
    instruction = required_text(values, fields.instruction, "instruction")
    given_input = _input(values, fields.input)
    reference = required_text(values, fields.reference, "reference")
    return f"{instruction}\n\n{given_input}" if given_input else instruction, reference


def _input(values: dict[str, Any], names: list[str]) -> str | None:
    """The input, unless it only says that there is none (`<noinput>`)."""
    found = optional_text(values, names)
    return None if found and _NO_INPUT.fullmatch(found) else found


def value_of(values: dict[str, Any], name: str) -> Any:
    """What a column, or a path into one (`answers.text.0`), holds; None if there is no such thing."""
    if name in values or "." not in name:
        return values.get(name)
    found: Any = values
    for step in name.split("."):
        if isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def required_text(values: dict[str, Any], names: list[str], field: str) -> str:
    """The first of several columns that holds text. Raises RowProblem if none does."""
    text = optional_text(values, names)
    if text is None:
        raise without(values, names, field)
    return text


def without(values: dict[str, Any], names: list[str], field: str) -> RowProblem:
    """Why a row has no such field: of several columns some are there, and empty; or none is there."""
    present = [name for name in names if name.partition(".")[0] in values]
    if present:
        return RowProblem(f"empty {field}: nothing in {_listed(present)}", present[0])
    return RowProblem(f"missing {field}: no column {_listed(names)} among {_listed(list(values))}", field)


def optional_text(values: dict[str, Any], names: list[str]) -> str | None:
    """The first of several columns that is not null or blank, as it was written. Raises RowProblem if it is not text."""
    for name in names:
        value = values.get(name)
        if value is None and "." in name:
            value = value_of(values, name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise RowProblem(f"wrong type: {json_kind(value)} where text is expected", name)
        if value.strip():
            return checked_text(value, name)
    return None


def checked_text(text: str, field: str) -> str:
    """The text, if it is one: lone surrogate code points are no characters, and no table can hold them."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as problem:
            raise RowProblem(f"surrogate code point: U+{ord(text[problem.start]):04X} at {problem.start}", field) from None
    return text


def first_label(values: dict[str, Any], names: Iterable[str]) -> str | None:
    """The first of several columns that holds a short text or a number, as text."""
    for name in names:
        value = values.get(name) if "." not in name else value_of(values, name)
        if isinstance(value, str | int) and str(value).strip():
            return checked_text(str(value).strip(), name)
    return None


def category_of(values: dict[str, Any], source: SourceSettings, default: str) -> str:
    """Category from the row, else of the source, else the default; then through the source's mapping."""
    found = first_label(values, source.fields.category) or source.category or default
    return source.categories.get(found, found)


def metadata_of(values: dict[str, Any], names: list[str], licence: str = "") -> str:
    """JSON object of the columns to keep, and the licence; a column `metadata` that is an object gives its entries."""
    kept: dict[str, Any] = {"licence": licence} if licence else {}
    for name in names:
        value = values.get(name)
        if name == "metadata" and isinstance(value, dict):
            kept.update(value)
        elif value is not None:
            kept[name] = value
    return json.dumps(kept, default=str) if kept else "{}"


def _listed(names: list[str]) -> str:
    shown = ", ".join(str(name)[:40] for name in names[:8])
    return f"{shown}, …" if len(names) > 8 else shown or "(none)"
