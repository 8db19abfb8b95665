"""Rows of the tables between `unique` and `near_duplicates`. A *member* is a row of `unique`: its part × 2^32 + its place."""

from dataclasses import dataclass

BUCKET_BITS = 48


@dataclass
class Band:
    """One band of the signature of one instruction; parts are sorted by `bucket`."""

    bucket: int
    """48-bit hash of the band's values and number: instructions with the same one are compared."""
    next_band: int
    """32 bits of the same of the band that follows: who agrees there too stands side by side."""
    member: int


@dataclass
class Pair:
    """Two instructions to compare, first < second; parts are sorted and hold each pair once."""

    first: int
    second: int


@dataclass
class Verified:
    """Two near duplicates."""

    first: int
    second: int
    jaccard: float
    """Exact similarity of their sets of shingles, 0 to 1."""


@dataclass
class NearDuplicate:
    """An instruction that is dropped, and the one of its cluster that is kept; sorted by instruction_id."""

    instruction_id: str
    kept_id: str
    kept_source: str
    kept_row: int


def member_of(part: int, place: int) -> int:
    """The number of a row of `unique`."""
    return part << 32 | place
