"""Hashed shingles, their MinHash signatures (rensa), and the table `bands`."""

import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from selfj.collect.near.records import BUCKET_BITS, Band, member_of
from selfj.collect.near.tokens import mixed, token_hashes
from selfj.collect_settings import NearDuplicateSettings
from selfj.parts import MadePart
from selfj.records import schema
from selfj.run import RunFolder

_SEED = 1
_TEXTS = 1000
"""Texts whose values are asked for at a time: they come as Python numbers."""


@dataclass(frozen=True)
class Shingles:
    """The shingles of many texts as 64-bit hashes, one text after the other."""

    hashes: npt.NDArray[np.uint64]
    starts: npt.NDArray[np.int64]
    """Where each text begins, and at the end how many there are: [texts + 1]."""

    def of(self, text: int) -> set[int]:
        """The different shingles of one text."""
        return set(self.hashes[self.starts[text] : self.starts[text + 1]].tolist())


def shingles_of(texts: list[str], size: int) -> Shingles:
    """Runs of `size` tokens; of a shorter text one with all of them."""
    tokens, lengths = token_hashes(texts)
    ends = np.cumsum(lengths)
    counts = np.maximum(lengths - size + 1, 1)
    starts = np.concatenate([[0], np.cumsum(counts)])
    first = np.arange(starts[-1]) + np.repeat(ends - lengths - starts[:-1], counts)
    return Shingles(_windows(tokens, first, np.repeat(ends, counts), size), starts)


def joined(pieces: Iterable[Shingles]) -> Shingles:
    """The texts of all pieces, one piece after the other."""
    empty = Shingles(np.empty(0, np.uint64), np.zeros(1, np.int64))
    there = [empty, *pieces]
    counts = np.concatenate([np.diff(piece.starts) for piece in there])
    return Shingles(np.concatenate([piece.hashes for piece in there]), np.concatenate([[0], np.cumsum(counts)]))


def _windows(
    words: npt.NDArray[np.uint64], first: npt.NDArray[np.int64], end: npt.NDArray[np.int64], size: int
) -> npt.NDArray[np.uint64]:
    """Hashes of the runs of `size` words that begin at `first`; none reaches beyond its `end`."""
    hashes = np.zeros(len(first), np.uint64)
    for place in range(size):
        at = first + place
        word = np.where(at < end, words[np.minimum(at, len(words) - 1)], np.uint64(0))
        hashes = mixed(hashes ^ word)
    return hashes


def buckets_of(shingles: Shingles, settings: NearDuplicateSettings) -> npt.NDArray[np.int64]:
    """48-bit hashes [texts, bands]: texts of similar shingles agree in some of them."""
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # read once; a worker has one CPU, and rensa would take them all
    from rensa import RMinHash

    values, starts = settings.bands * settings.band_rows, shingles.starts.astype(np.uint64)
    digests = np.empty((len(starts) - 1, settings.bands, settings.band_rows), np.uint64)
    for first in range(0, len(digests), _TEXTS):
        ends = starts[first : first + _TEXTS + 1]
        hashes = shingles.hashes[ends[0] : ends[-1]]
        matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, ends - ends[0], values, _SEED)
        rows = itertools.chain.from_iterable(matrix.to_rows())
        digests[first : first + _TEXTS].reshape(-1)[:] = np.fromiter(rows, np.uint64, values * (len(ends) - 1))
    return _buckets(digests)


def _buckets(digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """From MinHash values [texts, bands, values of a band] to the hashes of the bands."""
    numbers = np.arange(1, digests.shape[1] + 1, dtype=np.uint64)
    hashes = np.broadcast_to(mixed(numbers), digests.shape[:2])
    for place in range(digests.shape[2]):
        hashes = mixed(hashes ^ digests[:, :, place])
    return (hashes >> np.uint64(64 - BUCKET_BITS)).astype(np.int64)


class BandMaker:
    """Makes part k of `bands` from part k of `unique`."""

    def __init__(self, settings: NearDuplicateSettings) -> None:
        self.settings = settings

    def make(self, run: RunFolder, part: int) -> MadePart:
        """All bands of the part's instructions."""
        texts = run.table("unique").read(part, ["instruction"]).column(0).to_pylist()
        shape = len(texts), self.settings.bands
        buckets = buckets_of(shingles_of(texts, self.settings.shingle), self.settings) if texts else np.empty(shape, np.int64)
        members = np.arange(len(texts), dtype=np.int64) + member_of(part, 0)
        columns = (buckets, np.roll(buckets, -1, axis=1) >> (BUCKET_BITS - 32), np.broadcast_to(members[:, None], shape))
        flat = [column.reshape(-1) for column in columns]
        order = np.argsort(flat[0], kind="stable")
        rows = pa.table([column[order] for column in flat], schema=schema(Band))
        return MadePart(rows, [], rows.num_rows)
