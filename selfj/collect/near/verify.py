"""The table `near_verified`: pairs whose shingles agree as far as the threshold asks, by their exact Jaccard similarity.

A part takes the pairs of one range of first members, and gathers their shingles in one pass over the instructions of `unique`.
"""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from selfj.collect.near.pairs import distinct_pairs
from selfj.collect.near.reading import read_range, rows_of_members
from selfj.collect.near.records import Pair, Verified, member_of
from selfj.collect.near.signatures import Shingles, joined, shingles_of
from selfj.collect.sorted_parts import SortedParts
from selfj.collect_settings import NearDuplicateSettings
from selfj.parts import MadePart
from selfj.records import schema
from selfj.run import RunFolder
from selfj.tables import TableFolder

_PAIRS = 2_000_000
"""Rows of `near_pairs` that a worker takes at a time (each pair is there once for every range of buckets that it was met in): the
shingles of some hundred thousand instructions are in memory, about 0.2 GB.
"""


def verify_parts(pairs: int) -> int:
    """Parts of `near_verified` for so many rows of `near_pairs`."""
    return max(1, math.ceil(pairs / _PAIRS))


class VerifyMaker:
    """Compares the pairs of one part at a time."""

    def __init__(self, settings: NearDuplicateSettings, parts: int, unique_parts: int, rows_per_part: int) -> None:
        self.settings = settings
        self.parts = parts
        self.unique_parts = unique_parts
        self.rows_per_part = rows_per_part
        self.pairs: SortedParts | None = None

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The pairs of the part's range that are near duplicates."""
        self.pairs = self.pairs or SortedParts(run.table("near_pairs"))
        first, second = distinct_pairs(*read_range(self.pairs, Pair, self.bound(part), self.bound(part + 1)))
        members = np.unique(np.concatenate([first, second]))
        ends = np.searchsorted(members, first), np.searchsorted(members, second)
        whole, asked = self._shingles(run.table("unique"), members)
        similar = similarities(whole, *ends)
        chosen = similar >= self.settings.threshold
        chosen[chosen] = asked_alike(asked, *(end[chosen] for end in ends)) >= self.settings.asked
        rows = pa.table([first[chosen], second[chosen], similar[chosen]], schema=schema(Verified))
        return MadePart(rows, [], rows.num_rows)

    def _shingles(self, unique: TableFolder, members: npt.NDArray[np.int64]) -> tuple[Shingles, Shingles]:
        """Of the whole instructions, and the words of what they ask, each nothing where no input follows."""
        whole, asked = [], []
        for piece in rows_of_members(unique, members, ["instruction"]):
            texts = piece.column(0).to_pylist()
            whole.append(shingles_of(texts, self.settings.shingle))
            heads = [head if rest else "" for head, _, rest in (text.partition("\n\n") for text in texts)]
            asked.append(shingles_of(heads, 1))
        return joined(whole), joined(asked)

    def bound(self, part: int) -> int:
        """First member of a part. The smaller of two evenly distributed members is x or more with probability (1 - x)^2."""
        position = self.unique_parts * (1 - math.sqrt(1 - part / self.parts))
        return member_of(int(position), int(position % 1 * self.rows_per_part))


def similarities(shingles: Shingles, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Jaccard similarity of the texts of each pair, 0 to 1; quickest where pairs of one first text stand together."""
    return np.fromiter(_similarities(shingles, first, second), np.float64, len(first))


def asked_alike(asked: Shingles, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Jaccard similarity of the words of what is asked, 1 where one of the two has no input."""
    nothing = shingles_of([""], 1).hashes[0]
    alone = asked.hashes[asked.starts[:-1]] == nothing if len(asked.hashes) else np.empty(0, bool)
    return np.where(alone[first] | alone[second], 1.0, similarities(asked, first, second))


def _similarities(shingles: Shingles, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> Iterator[float]:
    before, shown = -1, set[int]()
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        if one != before:
            before, shown = one, shingles.of(one)
        yield jaccard(shown, shingles.of(other))


def jaccard(first: set[int], second: set[int]) -> float:
    """Shared elements over all elements, 0 to 1."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)
