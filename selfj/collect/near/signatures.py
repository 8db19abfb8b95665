"""Shingles, their MinHash signatures (rensa), and the table `bands`."""

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from selfj.collect.near.records import Band, member_of
from selfj.collect.words import CHARACTERS
from selfj.config import NearDuplicateSettings
from selfj.parts import MadePart
from selfj.records import normalised, schema
from selfj.run import RunFolder

_TOKEN = re.compile(rf"[{CHARACTERS}]|[^\W{CHARACTERS}]+|[-+*/=<>%^|~&$#]")
"""Words, and the signs that make another formula of the same numbers; other punctuation makes no difference."""
_SEED = 1
_MIX = np.uint64(0x9E3779B97F4A7C15)


def shingles(text: str, size: int) -> list[str]:
    """Runs of `size` tokens; of a shorter text one with all of them."""
    tokens = _TOKEN.findall(normalised(text)) or [text]
    return [" ".join(tokens[start : start + size]) for start in range(max(1, len(tokens) - size + 1))]


def jaccard(first: set[str], second: set[str]) -> float:
    """Shared elements over all elements, 0 to 1."""
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def buckets_of(texts: list[str], settings: NearDuplicateSettings) -> npt.NDArray[np.int64]:
    """62-bit hashes [texts, bands]: texts of similar shingles agree in some of them."""
    from rensa import RMinHash

    sets = [shingles(text, settings.shingle) for text in texts]
    matrix = RMinHash.digest_matrix_from_token_sets(sets, settings.bands * settings.band_rows, _SEED)
    digests = np.array(matrix.to_rows(), dtype=np.uint64).reshape(len(texts), settings.bands, settings.band_rows)
    hashes = np.broadcast_to(np.arange(1, settings.bands + 1, dtype=np.uint64), digests.shape[:2]) * _MIX
    for place in range(settings.band_rows):
        hashes = (hashes ^ digests[:, :, place]) * _MIX
        hashes ^= hashes >> np.uint64(29)
    return (hashes >> np.uint64(2)).astype(np.int64)


class BandMaker:
    """Makes part k of `bands` from part k of `unique`."""

    def __init__(self, settings: NearDuplicateSettings) -> None:
        self.settings = settings

    def make(self, run: RunFolder, part: int) -> MadePart:
        """All bands of the part's instructions."""
        texts = run.table("unique").read(part, ["instruction"]).column(0).to_pylist()
        buckets = buckets_of(texts, self.settings) if texts else np.empty((0, self.settings.bands), np.int64)
        members = np.arange(len(texts), dtype=np.int64) + member_of(part, 0)
        columns = (buckets, np.roll(buckets, -1, axis=1), np.broadcast_to(members[:, None], buckets.shape))
        flat = [column.reshape(-1) for column in columns]
        order = np.lexsort(flat[::-1])
        rows = pa.table([column[order] for column in flat], schema=schema(Band))
        return MadePart(rows, [], rows.num_rows)
