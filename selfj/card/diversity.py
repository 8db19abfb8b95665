"""How much of embedding space a collection covers, beside a uniform sample of the same size (of the table `clusters`)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from selfj.collect.embedded.clusters import CENTRES, CLUSTERS, lowest
from selfj.collect.embedded.rows import BEHIND
from selfj.collect.embedded.vectors import Vectors, vectors_of
from selfj.collect.marks import CLUSTER, Marks
from selfj.collect.sorted_parts import SortedParts
from selfj.run import RunFolder

_NEIGHBOURS = 2000
"""Instructions that are compared with each other."""


@dataclass(frozen=True)
class Diversity:
    """Of what was kept, and of a uniform sample of as many of the same instructions."""

    clusters: int
    kept: int
    candidates: int
    """Instructions that could have been kept."""
    covered: float
    """Share of the clusters with an instruction that was kept, 0 to 1."""
    covered_uniform: float
    """The same, expected of a uniform sample."""
    effective: float
    """Clusters of equal size with the same entropy."""
    effective_uniform: float
    similarity: float | None
    """Mean cosine of an instruction and the most similar other one, among `compared`."""
    similarity_uniform: float | None
    compared: int


def diversity_of(run: RunFolder) -> Diversity | None:
    """Measured on a finished collection; None if its settings asked for no clusters."""
    if not run.table(CLUSTERS).parts():
        return None
    clusters = run.table(CENTRES).counts(0).rows_out
    available, kept = _available(run, clusters), _kept(run, clusters)
    ours, uniform = _vectors_kept(run), lowest(run, _NEIGHBOURS)
    compared = min(len(ours), len(uniform))
    return Diversity(
        clusters=clusters,
        kept=int(kept.sum()),
        candidates=int(available.sum()),
        covered=float((kept > 0).mean()),
        covered_uniform=expected_coverage(available, int(kept.sum())),
        effective=effective_number(kept),
        effective_uniform=effective_number(available),
        similarity=neighbour_similarity(ours[:compared]),
        similarity_uniform=neighbour_similarity(uniform[:compared]),
        compared=compared,
    )


def _available(run: RunFolder, clusters: int) -> NDArray[np.int64]:
    counts = np.zeros(clusters, np.int64)
    for part in run.table(CLUSTERS).parts():
        counts += np.bincount(run.table(CLUSTERS).read(part, ["cluster"]).column(0).to_numpy(), minlength=clusters)
    return counts


def _kept(run: RunFolder, clusters: int) -> NDArray[np.int64]:
    counts, marks = np.zeros(clusters, np.int64), Marks("", clusters=CLUSTERS)
    for part in run.table("instructions").parts():
        rows = marks.applied(run, run.table("instructions").read(part, ["instruction_id"]))
        counts += np.bincount(rows.column(CLUSTER).to_numpy(), minlength=clusters)
    return counts


def _vectors_kept(run: RunFolder) -> Vectors:
    """Vectors of a uniform sample of what was kept. What is kept of a stratum are its lowest ids, so the sample goes by the last
    digits of an id, not by the first.
    """
    share = _NEIGHBOURS / max(1, run.upstream("instructions", "the data card").rows_out)
    embeddings, found = SortedParts(run.table("embeddings")), list[Vectors]()
    for part in run.table("instructions").parts():
        ids = run.table("instructions").read(part, ["instruction_id"]).column(0)
        chosen = pa.array([key for key in ids.to_pylist() if is_sampled(key, share)], pa.string())
        if len(chosen):
            pieces = embeddings.pieces(chosen[0].as_py(), chosen[-1].as_py() + BEHIND)
            found += [vectors_of(rows.filter(pc.is_in(rows.column(0), chosen))) for _, rows in pieces]
    return np.concatenate(found) if found else np.empty((0, 1), np.float32)


def is_sampled(key: str, share: float) -> bool:
    """Whether an instruction is in a uniform sample of about this share, by the last 32 bits of its id."""
    return int(key[-8:], 16) < share * 2**32


def expected_coverage(counts: NDArray[np.int64], drawn: int) -> float:
    """Expected share of clusters, of `counts` instructions each, that `drawn` of all instructions hit, without replacement."""
    from scipy.special import gammaln

    total = int(counts.sum())
    others = total - counts
    none = gammaln(others + 1) - gammaln(np.maximum(others - drawn, 0) + 1) - gammaln(total + 1) + gammaln(total - drawn + 1)
    return float(1 - np.where(others >= drawn, np.exp(none), 0).mean())


def effective_number(counts: NDArray[np.int64]) -> float:
    """The exponential of the entropy: how many clusters of equal size are as evenly filled."""
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def neighbour_similarity(vectors: Vectors) -> float | None:
    """Mean cosine of each vector and the nearest other one; None of fewer than two."""
    if len(vectors) < 2:
        return None
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    return float(similar.max(axis=1).mean())
