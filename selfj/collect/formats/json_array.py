"""JSON files: one array of objects, or an object that holds such an array; read as a stream, element by element."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

from selfj.collect.formats.base import MEBIBYTE, RowProblem
from selfj.collect.formats.jsonl import parse_object
from selfj.collect.formats.text import Frame, TextFormat, decoded
from selfj.records import CONTENT_LIMIT

_NO_ARRAY = "no array: a JSON array of objects is expected, or an object that holds one"


class JsonArray(TextFormat):
    """Elements of a JSON array. A bad element is one bad row; the elements after it are read."""

    extensions = ("json",)

    def first_row(self, stream: io.BufferedReader) -> int | None:
        """Offset behind the bracket that opens the array; of an object, behind that of its first array of objects."""
        window = _Window(stream, super().first_row(stream) or 0)
        match window.next_character():
            case "":
                return None
            case "[":
                return window.offset + 1
            case "{":
                return self._first_in_object(window)
        raise RowProblem(_NO_ARRAY)

    def _first_in_object(self, window: "_Window") -> int:
        window.position += 1
        while window.next_character() == '"' and window.take_value(self.row_bytes) and window.next_character() == ":":
            window.position += 1
            if window.array_of_objects():
                return window.offset + 1
            if window.take_value(self.row_bytes) is None:
                break
            if window.next_character() == ",":
                window.position += 1
        raise RowProblem(_NO_ARRAY)

    def frames(self, stream: io.BufferedReader, offset: int) -> Iterator[Frame]:
        """One frame an element, and one where the file breaks off."""
        window = _Window(stream, offset)
        while (mark := window.next_character()) != "]":
            start, shown = window.offset, window.shown()
            if mark == ",":
                window.position += 1
            elif mark and (raw := window.take_value(self.row_bytes)) is not None:
                yield Frame(start, raw)
            elif mark and window.skip_value():
                yield Frame(start, problem=self._bad_element(window.offset - start), content=shown)
            else:
                where = "in the middle of an element" if mark else "the array is not closed"
                yield Frame(start, problem=RowProblem(f"file breaks off: {where}"), content=shown)
                return

    def _bad_element(self, length: int) -> RowProblem:
        return self.too_long(length) if length > self.row_bytes else RowProblem("malformed JSON: this element of the array")

    def parse(self, raw: bytes) -> dict[str, Any]:
        """The object of one element."""
        return parse_object(decoded(raw))


class _Window:
    """A moving window over a JSON text. Bytes stand for characters (Latin-1): JSON's structure is ASCII, and so
    positions are byte offsets.
    """

    _decoder = json.JSONDecoder()
    _space = re.compile(r"[ \t\n\r]*")
    _array_of_objects = re.compile(r"\[[ \t\n\r]*\{")
    _structure = re.compile(r'\\.|["{}\[\],]', re.DOTALL)

    def __init__(self, stream: io.BufferedReader, offset: int) -> None:
        self.stream = stream
        self.base = offset
        self.text = ""
        self.position = 0
        self.ended = False

    @property
    def offset(self) -> int:
        """Byte of the file at which the window's position stands."""
        return self.base + self.position

    def shown(self) -> str:
        """The text from here on, as far as a reject shows it."""
        return self.text[self.position : self.position + CONTENT_LIMIT].encode("latin-1").decode("utf-8", "replace")

    def fill(self) -> bool:
        """Drop what is behind the position and read on; False at the end of the file."""
        chunk = self.stream.read(MEBIBYTE)
        while chunk.endswith(b"\\"):  # an escape must not be cut in two
            more = self.stream.read(1)
            if not more:
                break
            chunk += more
        self.base += self.position
        self.text = self.text[self.position :] + chunk.decode("latin-1")
        self.position = 0
        self.ended = not chunk
        return not self.ended

    def next_character(self) -> str:
        """The next character that is not space, without passing it; empty at the end."""
        while True:
            space = self._space.match(self.text, self.position)
            self.position = space.end() if space else self.position
            if self.position < len(self.text):
                return self.text[self.position]
            if not self.fill():
                return ""

    def array_of_objects(self) -> bool:
        """Whether an array begins here whose first element is an object."""
        self.next_character()
        self.fill()
        return bool(self._array_of_objects.match(self.text, self.position))

    def take_value(self, limit: int) -> bytes | None:
        """The JSON value that begins here, and pass it; None (and stay) if it is malformed or longer than `limit` bytes."""
        while True:
            end = self._end_of_value()
            if end is not None:
                return self._take(end, limit)
            if self.ended or len(self.text) - self.position > limit:
                return None
            self.fill()

    def _take(self, end: int, limit: int) -> bytes | None:
        if end - self.position > limit:
            return None
        raw = self.text[self.position : end].encode("latin-1")
        self.position = end
        return raw

    def _end_of_value(self) -> int | None:
        try:
            end = int(self._decoder.raw_decode(self.text, self.position)[1])
        except (ValueError, RecursionError):
            return None
        # A number may go on behind the window: 1 may become 1.5 or 12.
        if end == len(self.text):
            return end if self.ended else None
        return None if self.text[end] in ".eE" else end

    def skip_value(self) -> bool:
        """Pass a value that cannot be taken, up to the comma or bracket behind it; False if the file ends before."""
        depth, quoted = 0, False
        while token := self._next_token():
            if token == '"':
                quoted = not quoted
            elif quoted or token.startswith("\\"):
                continue
            elif token in "{[":
                depth += 1
            elif depth == 0:
                self.position -= 1
                return True
            elif token in "]}":
                depth -= 1
        return False

    def _next_token(self) -> str:
        while True:
            found = self._structure.search(self.text, self.position)
            self.position = found.end() if found else len(self.text)
            if found:
                return found.group()
            if not self.fill():
                return ""
