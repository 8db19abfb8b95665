"""Hashes of the tokens of many texts: words, and the signs that make another formula of the same numbers."""

import hashlib
import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from selfj.collect.words import CHARACTERS
from selfj.records import normalised

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

SIGNS = "-+*/=<>%^|~&$#"
"""Other punctuation makes no difference."""
_TOKEN = re.compile(rf"[{CHARACTERS}]|[^\W{CHARACTERS}]+|[{SIGNS}]")
_NOTHING, _WORD, _SIGN = range(3)
_LOWER = np.array([ord(chr(byte).lower()) if byte < 128 else byte for byte in range(256)], np.uint64)
_KIND = np.array([_WORD if byte > 127 or chr(byte).isalnum() or chr(byte) == "_" else _NOTHING for byte in range(256)], np.uint8)
_KIND[[ord(sign) for sign in SIGNS]] = _SIGN
_BASE = np.uint64(0x5851F42D4C957F2D)
"""Odd: a token's hash is the sum of its bytes, each times the power of this of its place, modulo 2^64."""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_PIECE_BYTES = 1 << 18
"""Bytes that are cut at a time: about 40 times as many are held meanwhile, which should fit in a processor's cache."""


def token_hashes(texts: list[str]) -> tuple[Hashes, Ints]:
    """64-bit hashes of the tokens of all texts, one text after the other, and how many each text has.

    A text without any counts as one token. Letter case, white space and Unicode's compatibility forms make no difference.
    """
    pieces = [_cut(piece) for piece in _pieces([_as_bytes(text) for text in texts])]
    hashes = np.concatenate([np.empty(0, np.uint64), *(hashes for hashes, _ in pieces)])
    counts = np.concatenate([np.empty(0, np.int64), *(counts for _, counts in pieces)])
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        hashes = np.insert(hashes, (np.cumsum(counts) - counts)[empty], [_digest(texts[place]) for place in empty])
        counts[empty] = 1
    return hashes, counts


def mixed(hashes: Hashes) -> Hashes:
    """Hashes whose bits have been spread."""
    spread = hashes * _MIX
    return spread ^ (spread >> _SHIFT)


def _as_bytes(text: str) -> bytes:
    """What `_cut` finds the tokens in: a text of ASCII as it is, the tokens of another one with spaces between them."""
    return text.encode() if text.isascii() else " ".join(_TOKEN.findall(normalised(text))).encode("utf-8", "surrogatepass")


def _pieces(texts: list[bytes]) -> Iterator[list[bytes]]:
    piece, size = list[bytes](), 0
    for text in texts:
        piece.append(text)
        size += len(text)
        if size > _PIECE_BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _cut(texts: list[bytes]) -> tuple[Hashes, Ints]:
    """Hashes of the tokens, and how many each text has."""
    content = np.frombuffer(b"\n".join([*texts, b""]), np.uint8)
    kinds = _KIND[content]
    begins = kinds == _SIGN
    begins[1:] |= (kinds[1:] == _WORD) & (kinds[:-1] != _WORD)
    begins[0] |= kinds[0] == _WORD
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    counts = np.add.reduceat(begins, np.cumsum(lengths) - lengths, dtype=np.int64)
    inside = kinds != _NOTHING
    return _hashed(_LOWER[content[inside]], np.flatnonzero(begins[inside])), counts


def _hashed(content: Hashes, starts: Ints) -> Hashes:
    """Hashes of the tokens that begin at `starts` and follow each other in `content`."""
    if not len(starts):
        return np.empty(0, np.uint64)
    lengths = np.diff(starts, append=len(content))
    powers = np.cumprod(np.full(lengths.max(), _BASE))
    return mixed(np.add.reduceat(content * powers[np.arange(len(content)) - np.repeat(starts, lengths)], starts))


def _digest(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"))
