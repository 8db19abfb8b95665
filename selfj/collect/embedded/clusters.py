"""The tables `cluster_centres` (k-means of a uniform sample) and `clusters` (the nearest centre of every instruction)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from selfj.collect.embedded.kmeans import kmeans, nearest
from selfj.collect.embedded.vectors import Vectors, vectors_of
from selfj.parts import MadePart
from selfj.records import schema
from selfj.run import RunFolder

CENTRES = "cluster_centres"
CLUSTERS = "clusters"
_SAMPLE = 100
"""Instructions that the centres are made of, for each cluster."""


@dataclass
class ClusterOf:
    """The cluster of an instruction."""

    instruction_id: str
    cluster: int
    similarity: float
    """Cosine to the centre of the cluster, -1 to 1."""


class CentreMaker:
    """Makes the only part of `cluster_centres`."""

    def __init__(self, clusters: int, seed: int) -> None:
        self.clusters = clusters
        self.seed = seed

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Centres in the order of their numbers."""
        centres = kmeans(lowest(run, _SAMPLE * self.clusters), self.clusters, self.seed)
        flat = pa.array(centres.reshape(-1), pa.float32())
        rows = pa.table({"embedding": pa.FixedSizeListArray.from_arrays(flat, centres.shape[1])})
        return MadePart(rows, [], rows.num_rows)


def lowest(run: RunFolder, count: int) -> Vectors:
    """The vectors of the lowest ids: a uniform sample, for ids are hashes, and the table is sorted by them."""
    found: list[Vectors] = []
    for part in run.table("embeddings").parts():
        found.append(vectors_of(run.table("embeddings").read(part)))
        if sum(map(len, found)) >= count:
            break
    return np.concatenate(found)[:count]


class ClusterMaker:
    """Makes part k of `clusters` from part k of `embeddings`."""

    def __init__(self) -> None:
        self.centres: Vectors | None = None

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The cluster of each instruction of one part."""
        if self.centres is None:
            self.centres = vectors_of(run.table(CENTRES).read(0))
        rows = run.table("embeddings").read(part)
        number, cosine = nearest(vectors_of(rows), self.centres)
        columns = [rows.column("instruction_id"), pa.array(number), pa.array(cosine.astype(np.float64))]
        return MadePart(pa.table(columns, schema=schema(ClusterOf)), [], rows.num_rows)
