"""What a tool made of records with planted duplicates: recall and precision of the records that it removed.

The truth is computed here, by brute force within each family of an original and what was made from it: equal instructions are
one text, and texts with a Jaccard similarity of 0.8 or more of their 3-word shingles, directly or over others, are one cluster.
Of each cluster one text should be left; one that is removed without a partner there is wrong, also if it has one elsewhere.
"""

import itertools
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from made_records import COUSIN, EXACT, NEAR, SHINGLE, Ints, Shape, chunks, instructions_of, kinds_of, origins_of

THRESHOLD = 0.8
_BINS = (0.8, 0.85, 0.9, 0.95, 1.01)
Flags = npt.NDArray[np.bool_]


def found(shape: Shape, removed: Flags) -> dict[str, Any]:
    """Recall and precision of near duplicates, recall of exact ones; `removed` has a flag for each record."""
    parts = np.array_split(np.arange(len(removed)), max(1, len(removed) // 200_000))
    kinds, origins = (np.concatenate([of(part) for part in parts]) for of in (kinds_of, origins_of))
    edited = np.isin(kinds, (NEAR, COUSIN))
    families = np.unique(origins[edited])
    share = _left_by_family(removed, origins, ~edited)
    with ProcessPoolExecutor(2) as pool:
        pieces = np.array_split(families, max(2, len(families) // 20_000))
        members = (_members(piece, origins, edited) for piece in pieces)
        counts: Counter[str] = sum(pool.map(partial(_counted, shape, removed, share), pieces, members), Counter())
    exact = kinds == EXACT
    # An original without edited copies is a cluster of its own: its text must not go.
    lonely = np.setdiff1d(np.unique(origins[~edited]), families)
    counts["removed"] += int((~share[lonely]).sum())
    return _rates(counts) | _exact_rates(removed, origins, ~edited, exact)


def _left_by_family(removed: Flags, origins: Ints, whole: Flags) -> Flags:
    """For each original whether its text, itself or an exact copy, is left."""
    left = np.zeros(len(removed), bool)
    left[origins[whole & ~removed]] = True
    return left


def _exact_rates(removed: Flags, origins: Ints, whole: Flags, exact: Flags) -> dict[str, Any]:
    """Of each text one record may be left."""
    left = np.bincount(origins[whole & ~removed], minlength=len(removed))
    copies = int(exact.sum())
    return {"exact_duplicates": copies, "recall_exact": round(1 - int(np.maximum(left - 1, 0).sum()) / max(copies, 1), 5)}


def _members(families: Ints, origins: Ints, edited: Flags) -> Ints:
    """The edited records of some families."""
    return np.flatnonzero(edited & (origins >= families[0]) & (origins <= families[-1])) if len(families) else families


def _counted(shape: Shape, removed: Flags, left: Flags, families: Ints, members: Ints) -> Counter[str]:
    """Counts over some families; `left` says of each original whether its text is left."""
    texts = dict(zip(families.tolist(), _shingles(shape, families), strict=True))
    by_family: dict[int, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    for numbers in chunks(members):
        origins, sets = origins_of(numbers), _shingles(shape, numbers)
        for number, origin, shingles in zip(numbers.tolist(), origins.tolist(), sets, strict=True):
            by_family[origin].append((number, shingles))
    counts: Counter[str] = Counter()
    for origin, edited in by_family.items():
        counts += _family_counts(texts[origin], edited, bool(left[origin]), removed)
    return counts


def _shingles(shape: Shape, numbers: Ints) -> list[frozenset[str]]:
    return [shingles_of(text) for text in instructions_of(shape, numbers)]


def shingles_of(text: str) -> frozenset[str]:
    """Runs of three words."""
    words = text.split()
    return frozenset(" ".join(words[start : start + SHINGLE]) for start in range(len(words) - SHINGLE + 1))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Shared elements over all elements."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _family_counts(text: frozenset[str], edited: list[tuple[int, frozenset[str]]], left: bool, removed: Flags) -> Counter[str]:
    """One family's texts, and what became of its planted near duplicates by their similarity to the original."""
    similar = [jaccard(text, shingles) for _, shingles in edited]
    counts: Counter[str] = Counter()
    for (number, _), value in zip(edited, similar, strict=True):
        if value >= THRESHOLD:
            name = f"jaccard {_bin(value)}"
            counts[f"{name} planted"] += 1
            counts[f"{name} found"] += bool(removed[number]) or not left
    for cluster in _clusters(edited, similar):
        flags = [bool(removed[number]) for number in cluster if number is not None] + ([not left] if None in cluster else [])
        counts["removed"] += sum(flags)
        counts["should go"] += len(flags) - 1
        counts["right"] += min(sum(flags), len(flags) - 1)
    return counts


def _clusters(edited: list[tuple[int, frozenset[str]]], similar: list[float]) -> list[list[int | None]]:
    """Clusters of one family's texts; None is the original. Few are not with the original: each of them is compared with all."""
    home: dict[int | None, int] = {None: 0}
    home |= {number: 0 if similar[place] >= THRESHOLD else place + 1 for place, (number, _) in enumerate(edited)}
    for number, shingles in (pair for pair, value in zip(edited, similar, strict=True) if value < THRESHOLD):
        for other, others in edited:
            if home[other] != home[number] and jaccard(shingles, others) >= THRESHOLD:
                old, new = home[number], home[other]
                home |= {member: new for member, place in home.items() if place == old}
    found: dict[int, list[int | None]] = defaultdict(list)
    for member, place in home.items():
        found[place].append(member)
    return list(found.values())


def _bin(value: float) -> str:
    low, high = next((low, high) for low, high in itertools.pairwise(_BINS) if value < high)
    return f"{low:.2f} to {min(high, 1.0):.2f}"


def _rates(counts: Counter[str]) -> dict[str, Any]:
    by_jaccard = {}
    for name in sorted(name for name in counts if name.endswith("planted")):
        planted, caught = counts[name], counts[name.replace("planted", "found")]
        by_jaccard[name.split(" ", 1)[1].removesuffix(" planted")] = {"planted": planted, "recall": round(caught / planted, 5)}
    return {
        "near_duplicates": counts["should go"],
        "recall": round(counts["right"] / max(counts["should go"], 1), 5),
        "precision": round(counts["right"] / max(counts["removed"], 1), 5),
        "by_jaccard": by_jaccard,
    }
