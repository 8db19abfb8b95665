"""JSON Lines: one object a line."""

import functools
import io
import json
from collections.abc import Iterator
from typing import Any

import msgspec

from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.text import Frame, TextFormat, bounded_lines, decoded

_DECODER = msgspec.json.Decoder()
_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


class JsonLines(TextFormat):
    """One JSON object a line; rows are numbered by line, blank lines are passed over."""

    extensions = ("jsonl", "ndjson", "jsonlines")

    def frames(self, stream: io.BufferedReader, offset: int) -> Iterator[Frame]:
        """One frame a line."""
        for line in bounded_lines(stream, offset, self.row_bytes):
            if line.too_long:
                yield Frame(line.offset, problem=self.too_long(line.length), content=line.raw.decode("utf-8", "replace"))
            else:
                yield Frame(line.offset, line.raw.strip() or None)

    def parse(self, raw: bytes) -> dict[str, Any]:
        """The object of one line."""
        return parse_object(raw, listed=self.listed)

    @functools.cached_property
    def listed(self) -> bool:
        """Whether the settings name a column by its position: rows are lists then (`["question", "answer"]`)."""
        fields = self.source.fields
        return any(name.partition(".")[0].isdecimal() for name in [*fields.instruction, *fields.reference, *fields.conversation])


def parse_object(text: str | bytes, *, listed: bool = False) -> dict[str, Any]:
    """A JSON object; if `listed`, a list too, whose columns are 0, 1, …. Raises RowProblem for anything else."""
    try:
        value = _value(text)
    except json.JSONDecodeError as problem:
        raise RowProblem(f"malformed JSON: {problem.msg} (character {problem.pos})") from None
    except (ValueError, RecursionError) as problem:
        raise RowProblem(f"malformed JSON: {problem}") from None
    if isinstance(value, list) and listed:
        return {str(position): item for position, item in enumerate(value)}
    if not isinstance(value, dict):
        raise RowProblem(f"not an object: a row must be a JSON object, this is {json_kind(value)}")
    return value


def _value(text: str | bytes) -> Any:
    """By msgspec, four times as fast as `json`; what it refuses `json` takes (NaN, lone surrogates), or says what is wrong."""
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return json.loads(decoded(text) if isinstance(text, bytes) else text)


def json_kind(value: Any) -> str:
    """The kind of a JSON value in words."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")
