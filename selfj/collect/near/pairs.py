"""The table `near_pairs`: who to compare. A part holds one range of buckets, so all that agree in a band meet."""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from selfj.collect.near.reading import Columns, read_range
from selfj.collect.near.records import BUCKET_BITS, Band, Pair
from selfj.collect.sorted_parts import SortedParts
from selfj.parts import MadePart
from selfj.records import schema
from selfj.run import RunFolder

_ROWS = 1_000_000
"""Rows of `bands` that a worker holds at a time (about 25 MB, and twice as much to sort them; at worst 270 MB of pairs)."""


def pair_parts(band_rows: int) -> int:
    """Parts of `near_pairs` for so many rows of `bands`: hashes fill their range evenly."""
    return max(1, math.ceil(band_rows / _ROWS))


NEIGHBOURS = 16
"""Members of a bucket that each is compared with, beside the first: texts that are alike, but too little, share buckets too."""


class PairMaker:
    """Makes one part at a time."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self.bands: SortedParts | None = None

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The pairs of one range of buckets, each once."""
        low, high = ((1 << BUCKET_BITS) * number // self.parts for number in (part, part + 1))
        self.bands = self.bands or SortedParts(run.table("bands"))
        first, second = pairs_of(*read_range(self.bands, Band, low, high))
        rows = pa.table([first, second], schema=schema(Pair))
        return MadePart(rows, [], rows.num_rows)


def pairs_of(buckets: npt.NDArray[np.int64], next_band: npt.NDArray[np.int64], members: npt.NDArray[np.int64]) -> Columns:
    """Of each bucket, every member with the first and with the few before it: a number of pairs that grows with the members, not
    with their square. Members that agree in the next band too stand side by side, so that in a bucket of many clusters
    neighbours are mostly alike; and every near duplicate has as many buckets to be found in as bands that agree.
    """
    shared = in_company(buckets)
    buckets, next_band, members = (column[shared] for column in (buckets, next_band, members))
    order = np.lexsort((members, next_band, buckets))
    buckets, members = buckets[order], members[order]
    places = np.arange(len(members))
    begins = np.concatenate([[True], buckets[1:] != buckets[:-1]])[: len(members)]
    leaders = np.maximum.accumulate(np.where(begins, places, 0)) if len(members) else places
    followers = places[places > leaders]
    pairs = [(leaders[followers], followers)]
    for step in range(1, NEIGHBOURS + 1):
        followers = followers[followers - step >= leaders[followers]]
        pairs.append((followers - step, followers))
    first, second = (members[np.concatenate(ends)] for ends in zip(*pairs, strict=True))
    return distinct_pairs(first, second)


def in_company(values: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mask of the values that are there more than once."""
    order = np.argsort(values, kind="stable")  # they are a few sorted pieces: merged
    same = values[order][1:] == values[order][:-1]
    mask = np.zeros(len(values), bool)
    mask[order[1:][same]] = mask[order[:-1][same]] = True
    return mask


def distinct_pairs(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> Columns:
    """Pairs as first < second, sorted, each once."""
    first, second = np.minimum(one, other), np.maximum(one, other)
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    new = np.concatenate([np.ones(min(len(first), 1), bool), (first[1:] != first[:-1]) | (second[1:] != second[:-1])])
    return [first[new], second[new]]
