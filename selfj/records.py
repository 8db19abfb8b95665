"""The tables between the steps: one dataclass per row, and the Arrow schema that follows from it.

Null means "could not be made"; `reason` says why. Part k of every table comes from part k of `instructions`, and rows of
one instruction stand together.
"""

import dataclasses
import functools
import hashlib
import typing
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from types import NoneType
from typing import Any

import pyarrow as pa

LABELS = tuple(range(10))
"""Ten ordered classes of quality (METHOD.md, label)."""


@dataclass
class Instruction:
    """An instruction with its reference answer."""

    instruction_id: str
    """Hash of the normalised instruction."""
    instruction: str
    reference: str
    category: str
    family: str | None
    source: str
    row: int
    """Row of the source, from 0."""
    split: str
    """train, calibration or test."""
    metadata: str
    """JSON of the columns that the source asked to keep."""


@dataclass
class Response:
    """An answer of the policy."""

    response_id: str
    """instruction_id, a dash and the sample number."""
    instruction_id: str
    response: str
    policy: str
    seed: int
    tokens: int
    """Generated tokens, the end-of-sequence token included."""
    sum_logprob: float | None
    """Natural-log probability of those tokens under the raw distribution (before temperature and top-p)."""
    finish_reason: str
    """stop or length."""


@dataclass
class SelfEvaluation:
    """The policy's own rating of an answer with the reference in view."""

    response_id: str
    self_evaluation: float | None
    """Expected value over the ten digits, 0 to 9."""
    probabilities: list[float] | None
    """The ten digits' probabilities, summing to 1."""
    digit_mass: float | None
    """Probability of any digit at all before normalisation."""
    reason: str | None


@dataclass
class Similarity:
    """Cosine similarity of the sentence embeddings of answer and reference, -1 to 1."""

    response_id: str
    similarity: float | None
    reason: str | None


@dataclass
class Scored:
    """Quality of an answer without human labels."""

    response_id: str
    instruction_id: str
    self_evaluation: float | None
    """0 to 9."""
    similarity: float | None
    """-1 to 1."""
    quality: float | None
    """0 to 1."""
    label: int | None
    """0 to 9."""
    reason: str | None


@dataclass
class Judged:
    """A model's score of an answer, in one way of asking."""

    response_id: str
    method: str
    """judge, judge_reference or self_eval."""
    with_reference: bool
    score: float | None
    """Expected value over the ten digits, 0 to 9."""
    probabilities: list[float] | None
    digit_mass: float | None
    reason: str | None


@dataclass
class Rejected:
    """A row that a step could not use."""

    key: str | None
    """instruction_id or response_id, where the row had one by then."""
    step: str
    source: str
    row: int | None
    field: str | None
    reason: str
    content: str
    """The row as it was read, cut to CONTENT_LIMIT characters."""


CONTENT_LIMIT = 2000

_ARROW_TYPES = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    list[float]: pa.list_(pa.float32()),
    list[str]: pa.list_(pa.string()),
    list[int]: pa.list_(pa.int32()),
}


@functools.cache
def schema(record: type) -> pa.Schema:
    """Arrow schema of a record: `T | None` is nullable, everything else is not."""
    columns = []
    for name, kind in typing.get_type_hints(record).items():
        options = [option for option in typing.get_args(kind) if option is not NoneType]
        nullable = NoneType in typing.get_args(kind)
        columns.append(pa.field(name, _ARROW_TYPES[options[0] if nullable else kind], nullable=nullable))
    return pa.schema(columns)


class Columns:
    """Rows of one record type, gathered column by column: many records at once would keep the garbage collector busy."""

    def __init__(self, record: type) -> None:
        self.schema = schema(record)
        self.values: list[list[Any]] = [[] for _ in self.schema]

    def add(self, row: Any) -> None:
        """One more row, a record."""
        for column, value in zip(self.values, vars(row).values(), strict=True):
            column.append(value)

    def table(self) -> pa.Table:
        """All rows as an Arrow table (none is fine)."""
        return pa.table(self.values, schema=self.schema)


def to_table(record: type, rows: Iterable[Any]) -> pa.Table:
    """Rows of one record type as an Arrow table (empty is fine)."""
    names = [item.name for item in dataclasses.fields(record)]
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name in names:
            columns[name].append(getattr(row, name))
    return pa.table(columns, schema=schema(record))


def from_table(record: type, table: pa.Table) -> list[Any]:
    """The rows of an Arrow table as records."""
    names = [item.name for item in dataclasses.fields(record)]
    columns = [table.column(name).to_pylist() for name in names]
    return [record(*values) for values in zip(*columns, strict=True)]


def normalised(text: str) -> str:
    """Text for telling duplicates: NFKC, lower case, white space folded."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(folded.split()).lower()


def instruction_id(instruction: str) -> str:
    """128-bit hash of the normalised instruction, as 32 hexadecimal digits."""
    return hashlib.blake2b(normalised(instruction).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def response_id(instruction: str, sample: int) -> str:
    """Key of one answer: the instruction's key and the sample number."""
    return f"{instruction}-{sample}"


def split_of(key: str, test_fraction: float, calibration_fraction: float) -> str:
    """Split by hash, so that a re-run and a bigger run agree: the lowest hashes are test, the next calibration."""
    position = int(hashlib.blake2b(key.encode(), digest_size=8, person=b"split").hexdigest(), 16) / 2**64
    if position < test_fraction:
        return "test"
    return "calibration" if position < test_fraction + calibration_fraction else "train"


def stable_seed(*parts: object) -> int:
    """A 63-bit seed from what identifies a draw (a response_id and the run's seed, say)."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def rejected(
    step: str,
    source: str,
    reason: str,
    *,
    row: int | None = None,
    field: str | None = None,
    key: str | None = None,
    content: str = "",
) -> Rejected:
    """A reject with its content cut to CONTENT_LIMIT characters."""
    return Rejected(key=key, step=step, source=source, row=row, field=field, reason=reason, content=content[:CONTENT_LIMIT])
