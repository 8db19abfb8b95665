"""k-means of vectors of unit length (scikit-learn), and the nearest of many centres by cosine."""

import numpy as np
from numpy.typing import NDArray

from selfj.collect.embedded.vectors import Vectors

_BATCH = 4096
_CELLS = 1 << 22
"""Similarities in memory at a time (16 MB)."""


def kmeans(vectors: Vectors, clusters: int, seed: int) -> Vectors:
    """At most `clusters` centres of unit length; of fewer distinct vectors those themselves."""
    distinct = np.unique(vectors, axis=0)
    if len(distinct) <= clusters:
        return distinct
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(clusters, batch_size=_BATCH, n_init=1, random_state=seed % (1 << 32))
    return unit_length(model.fit(vectors).cluster_centers_)


def unit_length(vectors: NDArray[np.floating]) -> Vectors:
    """Vectors divided by their length; a vector of length 0 stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def nearest(vectors: Vectors, centres: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each vector the number of its nearest centre, and the cosine to it."""
    number, cosine = np.zeros(len(vectors), np.int64), np.zeros(len(vectors), np.float32)
    step = max(1, _CELLS // max(1, len(centres)))
    for start in range(0, len(vectors), step):
        similar = vectors[start : start + step] @ centres.T
        number[start : start + step] = similar.argmax(axis=1)
        cosine[start : start + step] = similar.max(axis=1)
    return number, cosine
