"""The table `embeddings`: instructions as vectors of unit length, half precision (two bytes for each dimension)."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from selfj.collect.embedded.rows import Remaining, without_category
from selfj.config import ScoreSettings
from selfj.parts import MadePart
from selfj.run import RunFolder
from selfj.score.similarity import Embedder

Vectors = NDArray[np.float32]
"""(rows, dimensions), of unit length."""


class EmbeddingMaker:
    """Embeds one part of `unique` at a time."""

    def __init__(self, settings: ScoreSettings, remaining: Remaining, only_missing: bool) -> None:
        """`only_missing`: only rows without a category."""
        self.embedder = Embedder(settings.embedding_model, settings.embedding_batch)
        self.remaining = remaining
        self.only_missing = only_missing

    def make(self, run: RunFolder, part: int) -> MadePart:
        """The vectors of one part, in its order."""
        rows = self.remaining.rows(run, part, ["instruction_id", "instruction", "category"])
        rows = without_category(rows) if self.only_missing else rows
        texts = rows.column("instruction").to_pylist()
        vectors = self.embedder.embed(texts or [""])[: len(texts)]
        return MadePart(to_vectors(rows.column("instruction_id"), vectors), [], rows.num_rows)


def to_vectors(ids: pa.ChunkedArray, vectors: Vectors) -> pa.Table:
    """Ids and vectors as a table."""
    flat = pa.array(vectors.astype(np.float16).reshape(-1), pa.float16())
    return pa.table({"instruction_id": ids, "embedding": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])})


def vectors_of(rows: pa.Table, column: str = "embedding") -> Vectors:
    """The vectors of a table."""
    arrays: list[Any] = rows.column(column).chunks or [pa.array([], rows.schema.field(column).type)]
    pieces = [np.asarray(array.flatten(), dtype=np.float32).reshape(len(array), -1) for array in arrays if len(array)]
    return np.concatenate(pieces) if pieces else np.empty((0, rows.schema.field(column).type.list_size), np.float32)
