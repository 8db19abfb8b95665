"""From the sources in the settings to shards: which files there are, in which format, and how they are cut."""

import itertools
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import fsspec

from selfj.collect.formats import FORMATS, Format, RawRow, Span
from selfj.collect.formats.base import MEBIBYTE, printable
from selfj.collect.formats.text import COMPRESSIONS, open_stream
from selfj.collect_settings import CollectSettings, SourceSettings
from selfj.errors import DataError

_GENERATOR = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_DATASET_FILES = ("state.json", "dataset_dict.json")
_WITHOUT_FILES = ("dataset", "hf", "generator")
"""Formats that take the address as a whole."""
UNREADABLE = "unreadable"
"""Stands in a fingerprint for the content of what could not be read: once it can be, the run is another."""


@dataclass(frozen=True)
class Shard:
    """What one worker reads at a time."""

    source: int
    """Number of the source in the settings."""
    label: str
    """What the tables call the source: its name, and the file where it has several."""
    format: str
    address: str
    span: Span


@dataclass
class Plan:
    """All shards of one source, and a hash of each of its inputs."""

    shards: list[Shard] = field(default_factory=list)
    inputs: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    """What cannot be read, and why."""


def row_bytes(settings: CollectSettings) -> int:
    """Longest row that is read."""
    return int(settings.max_line_megabytes * MEBIBYTE)


def name_of(source: SourceSettings) -> str:
    """What the tables call a source."""
    return printable(source.name or next(iter(_addresses(source)), "").rstrip("/").rsplit("/", 1)[-1])


def _addresses(source: SourceSettings) -> list[str]:
    return [path for path in (source.path, *source.paths) if path]


def check_names(names: list[str]) -> None:
    """Raise DataError for two sources of one name: nobody could tell whose row a reject is."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"collect.sources: more than one is called {twice[0]!r}; give each a `name` of its own")


def plan_source(number: int, settings: CollectSettings, *, strict: bool = True) -> Plan:
    """Shards of one source in the order of its files and rows: the same list every time.

    Raises DataError if something of it is not there, is of no known format, or cannot be read at all; unless `strict`, that is
    one of the plan's problems, and the rest of the source is planned.
    """
    source = settings.sources[number]
    left, plan = source.rows, Plan()
    for label, name, address in _inputs(source, plan.problems, strict):
        reader = FORMATS[name](source, row_bytes(settings))
        with _told(plan.problems, label, strict):
            spans, content = reader.spans(address, left), reader.fingerprint(address)
            plan.shards += [Shard(number, label, name, address, span) for span in spans]
            plan.inputs[label] = content
            if left is not None:
                left -= sum((span.stop or span.start) - span.start for span in spans)
    plan.inputs |= dict.fromkeys(plan.problems, UNREADABLE)
    return plan


def contents_of(settings: CollectSettings) -> dict[str, str]:
    """Hash of the content of every input of all sources, by label; UNREADABLE for what cannot be read. Plans no shard."""
    found: dict[str, str] = {}
    for source in settings.sources:
        problems: dict[str, str] = {}
        for label, name, address in _inputs(source, problems, strict=False):
            with _told(problems, label, strict=False):
                found[label] = FORMATS[name](source, row_bytes(settings)).fingerprint(address)
        found |= dict.fromkeys(problems, UNREADABLE)
    return found


@contextmanager
def _told(problems: dict[str, str], label: str, strict: bool) -> Iterator[None]:
    """Unless `strict`, an input that cannot be read is a problem to tell, and no error."""
    try:
        yield
    except (DataError, OSError, ImportError, ValueError) as problem:  # file systems raise more than OSError
        if strict:
            raise
        problems[label] = " ".join(str(problem).split())


def read_shard(shard: Shard, settings: CollectSettings) -> Iterator[RawRow]:
    """Rows of one shard."""
    return Readers(settings).rows(shard)


class Readers:
    """Reads shards one after the other; what can only be read forwards stays open between them."""

    def __init__(self, settings: CollectSettings) -> None:
        self.settings = settings
        self.readers: dict[tuple[int, str], Format] = {}

    def rows(self, shard: Shard) -> Iterator[RawRow]:
        """Rows of one shard."""
        kind = shard.source, shard.format
        if kind not in self.readers:
            self.readers[kind] = FORMATS[shard.format](self.settings.sources[shard.source], row_bytes(self.settings))
        return self.readers[kind].rows(shard.address, shard.span)


def _inputs(source: SourceSettings, problems: dict[str, str], strict: bool) -> list[tuple[str, str, str]]:
    """Label, format and address of each input of a source."""
    addresses = _addresses(source)
    if not addresses:
        raise DataError("collect.sources: a source has no `path`; give a file, folder, glob, hf://OWNER/NAME or MODULE:FUNCTION")
    name = name_of(source)
    found: dict[str, str] = {}
    for address in addresses:
        with _told(problems, name if len(addresses) == 1 else f"{name}/{printable(address)}", strict):
            found |= _inputs_at(address, source)
    labels = [name] if len(found) == 1 and len(addresses) == 1 else [f"{name}/{label}" for label in _short_names(list(found))]
    return [(label, chosen, address) for label, (address, chosen) in zip(labels, found.items(), strict=True)]


def _inputs_at(path: str, source: SourceSettings) -> dict[str, str]:
    """Address → format of all that lies at one address."""
    chosen = source.format if source.format != "auto" else _format_of_address(path)
    if chosen in _WITHOUT_FILES:
        return {path if chosen != "dataset" else _absolute(path): chosen}
    return {file: chosen or _format_of_file(file, name_of(source)) for file in _files(path, chosen, name_of(source))}


def _format_of_address(path: str) -> str:
    """Format of what is not read file by file; empty for files."""
    if path.startswith("hf://"):
        return "hf"
    filesystem, inside = fsspec.core.url_to_fs(path)
    if any(filesystem.exists(f"{inside}/{name}") for name in _DATASET_FILES):
        return "dataset"
    return "generator" if _GENERATOR.fullmatch(path) and not filesystem.exists(inside) else ""


def _files(address: str, chosen: str, name: str) -> list[str]:
    """Addresses of the files at an address, sorted. Raises DataError if there are none."""
    filesystem, path = fsspec.core.url_to_fs(address)
    if filesystem.isdir(path):
        files = [
            file for file in filesystem.find(path) if not _hidden(file, path) and (chosen or _extension(file) in _extensions())
        ]
        problem = f"the folder holds no file of a known format ({', '.join(sorted(_extensions()))})"
    elif filesystem.exists(path):
        files, problem = [path], ""
    else:
        files = [file for file in filesystem.glob(path) if filesystem.isfile(file)]
        problem = "no such file or folder, and no file matches" + ("" if "://" in address else f" (from {os.getcwd()})")
    if not files:
        raise DataError(f"source {name!r}: {address}: {problem}; correct its `path`")
    return sorted(files if "://" not in address else map(filesystem.unstrip_protocol, files))


def _hidden(file: str, folder: str) -> bool:
    return any(part.startswith((".", "_")) for part in file.removeprefix(folder).split("/"))


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)


def _extension(file: str) -> str:
    parts = file.lower().rsplit("/", 1)[-1].split(".")[1:]
    if parts and parts[-1] in COMPRESSIONS:
        parts.pop()
    return parts[-1] if parts else ""


def _extensions() -> dict[str, str]:
    return {ending: name for name, reader in FORMATS.items() for ending in reader.extensions}


def _format_of_file(file: str, name: str) -> str:
    found = _extensions().get(_extension(file))
    if found is None:
        endings = ", ".join(sorted(_extensions()))
        raise DataError(f"source {name!r}: {file}: the format is not known from its name ({endings}); set the source's `format`")
    return "jsonl" if found == "json" and _is_lines(file) else found


def _is_lines(file: str) -> bool:
    """Whether a .json file holds one object a line, as many do."""
    with open_stream(file) as stream:
        first, second = stream.readline(MEBIBYTE), stream.readline(MEBIBYTE)
    try:
        return isinstance(json.loads(first), dict) and second.lstrip().startswith(b"{")
    except (ValueError, RecursionError):
        return False


def _short_names(files: list[str]) -> list[str]:
    """File names without the folders that all of them share."""
    folders = [file.split("/")[:-1] for file in files]
    shared = len(list(itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*folders, strict=False))))
    return [printable("/".join(file.split("/")[shared:])) for file in files]
