"""Embedding similarity with the packaged MiniLM."""

import numpy as np
import pytest

from selfj.errors import ModelError
from selfj.score.similarity import Embedder, embedding_folder


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder("all-MiniLM-L6-v2")


def test_the_packaged_model_tells_like_from_unlike(embedder: Embedder) -> None:
    same, near, far = embedder.similarity(
        ["The cat sat.", "The cat sat on the mat.", "Interest rates rose."],
        ["The cat sat.", "A cat was sitting on a mat.", "The cat sat."],
    )
    assert same == pytest.approx(1.0, abs=1e-5)
    assert same > near > 0.6 > 0.3 > far


def test_empty_and_foreign_and_long_texts_have_a_similarity(embedder: Embedder) -> None:
    values = embedder.similarity(["", "你好 🏠", "word " * 5000], ["something", "你好 🏠", "word"])
    assert np.isfinite(values).all() and (abs(values) <= 1).all()


def test_embeddings_have_unit_length(embedder: Embedder) -> None:
    assert np.linalg.norm(embedder.embed(["a", "b c d"]), axis=1) == pytest.approx(1.0, abs=1e-5)


def test_the_package_is_found_under_both_names_and_others_are_left_alone() -> None:
    assert (
        embedding_folder("sentence-transformers/all-MiniLM-L6-v2") == embedding_folder("all-MiniLM-L6-v2") != "all-MiniLM-L6-v2"
    )
    assert embedding_folder("BAAI/bge-small-en") == "BAAI/bge-small-en"


def test_an_embedding_model_that_cannot_be_loaded_is_an_error_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"score\.embedding_model") as problem:
        Embedder("./no/such/model")
    assert "\n" not in str(problem.value)
