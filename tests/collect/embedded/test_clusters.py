"""Embeddings, k-means and the nearest centre."""

import numpy as np
import pyarrow as pa
import pytest

from selfj.collect.embedded.clusters import CentreMaker, ClusterMaker, ClusterOf, lowest
from selfj.collect.embedded.kmeans import kmeans, nearest
from selfj.collect.embedded.rows import Remaining
from selfj.collect.embedded.vectors import EmbeddingMaker, to_vectors, vectors_of
from selfj.collect.near.records import NearDuplicate
from selfj.config import ScoreSettings
from selfj.records import Instruction, from_table, instruction_id, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest


def blobs(per_blob: int, seed: int = 0) -> np.ndarray:
    """Vectors of unit length around four axes, one blob after the other."""
    noise = np.random.default_rng(seed).normal(0, 0.1, (4 * per_blob, 4))
    vectors = np.repeat(np.eye(4), per_blob, axis=0) + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def unique(run: RunFolder, texts: list[str], categories: list[str] | None = None) -> list[str]:
    """Two parts, ranges of ids; the ids in order."""
    rows = [
        Instruction(instruction_id(text), text, "r", categories[i] if categories else "x", None, "s", i, "train", "{}")
        for i, text in enumerate(texts)
    ]
    rows.sort(key=lambda row: row.instruction_id)
    for part in range(2):
        chosen = [row for row in rows if (row.instruction_id >= "8") == part]
        run.table("unique").write(part, to_table(Instruction, chosen), [], len(chosen))
    return [row.instruction_id for row in rows]


def test_kmeans_finds_the_blobs_and_is_the_same_every_time() -> None:
    vectors = blobs(200)
    centres = kmeans(vectors, 4, seed=7)
    assert np.linalg.norm(centres, axis=1) == pytest.approx(1, abs=1e-5)
    numbers, cosine = nearest(vectors, centres)
    assert [len(set(numbers[start : start + 200])) for start in range(0, 800, 200)] == [1] * 4 and len(set(numbers)) == 4
    assert cosine.min() > 0.7
    assert np.array_equal(kmeans(vectors, 4, seed=7), centres)


def test_fewer_vectors_than_clusters_are_their_own_centres() -> None:
    vectors = np.array([[0, 1], [1, 0], [0, 1]], dtype=np.float32)
    assert kmeans(vectors, 5, seed=0).tolist() == [[0, 1], [1, 0]]


def test_the_nearest_centre_is_found_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, centres = blobs(50), blobs(3, seed=1)
    whole = nearest(vectors, centres)
    monkeypatch.setattr("selfj.collect.embedded.kmeans._CELLS", 70)
    pieces = nearest(vectors, centres)
    assert np.array_equal(pieces[0], whole[0]) and pieces[1] == pytest.approx(whole[1])
    assert np.array_equal(whole[0], (vectors @ centres.T).argmax(axis=1))


def test_vectors_of_half_precision_come_back_and_none_is_an_empty_table() -> None:
    vectors = blobs(2)
    table = to_vectors(pa.chunked_array([pa.array([str(i) for i in range(8)])]), vectors)
    assert vectors_of(table) == pytest.approx(vectors, abs=1e-3) and vectors_of(table).dtype == np.float32
    assert vectors_of(table.slice(3, 2)) == pytest.approx(vectors[3:5], abs=1e-3)
    assert vectors_of(table.slice(0, 0)).shape == (0, 4)


def test_embeddings_are_of_rows_that_remain(run_folder: RunFolder) -> None:
    texts = [f"text {i}" for i in range(12)]
    ids = unique(run_folder, texts, ["x" if i % 2 else "" for i in range(12)])
    gone = [NearDuplicate(ids[1], ids[0], "s", 0), NearDuplicate(ids[5], ids[0], "s", 0)]
    run_folder.table("near_duplicates").write(0, to_table(NearDuplicate, gone), [], 2)
    remaining = Remaining("near_duplicates", below=ids[10])
    maker = EmbeddingMaker(ScoreSettings(), remaining, only_missing=False)
    made = [maker.make(run_folder, part) for part in range(2)]
    found = [key for part in made for key in part.rows.column("instruction_id").to_pylist()]
    assert found == [key for key in ids[:10] if key not in (ids[1], ids[5])]
    vectors = np.concatenate([vectors_of(part.rows) for part in made])
    assert vectors.shape == (8, 384) and np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-2)
    maker = EmbeddingMaker(ScoreSettings(), remaining, only_missing=True)
    missing = [maker.make(run_folder, part) for part in range(2)]
    wanted = {instruction_id(text) for i, text in enumerate(texts) if i % 2 == 0}
    asked = [key for part in missing for key in part.rows.column("instruction_id").to_pylist()]
    assert asked == [key for key in found if key in wanted] and 0 < len(asked) < len(found)


def test_a_part_without_rows_has_an_embedding_column_too(run_folder: RunFolder) -> None:
    unique(run_folder, ["a", "b"])
    made = EmbeddingMaker(ScoreSettings(), Remaining(below="0"), only_missing=False).make(run_folder, 0)
    assert made.rows.num_rows == 0 and vectors_of(made.rows).shape == (0, 384)


def test_inputs_of_a_fingerprint_name_what_was_left_out(run_folder: RunFolder) -> None:
    manifest = Manifest("unique", Fingerprint({}, {}), finished=True)
    assert Remaining().inputs(run_folder, manifest) == {"unique": manifest.fingerprint.digest}
    near = Manifest("near_duplicates", Fingerprint({"threshold": 1}, {}), finished=True)
    run_folder.table("near_duplicates").write_manifest(near)
    inputs = Remaining("near_duplicates", "7f").inputs(run_folder, manifest)
    assert inputs["near_duplicates"] == near.fingerprint.digest and inputs["below"] == "7f"


def test_clusters_are_those_of_the_lowest_ids_and_every_row_has_one(run_folder: RunFolder) -> None:
    vectors = blobs(100)
    order = np.random.default_rng(1).permutation(400)
    for part in range(2):
        keys = [f"{row:032x}" for row in range(200 * part, 200 * part + 200)]
        table = to_vectors(pa.chunked_array([pa.array(keys)]), vectors[order[200 * part : 200 * part + 200]])
        run_folder.table("embeddings").write(part, table, [], 200)
    assert lowest(run_folder, 250).shape == (250, 4)
    centres = CentreMaker(4, seed=0).make(run_folder, 0)
    run_folder.table("cluster_centres").write(0, centres.rows, [], centres.rows_in)
    maker = ClusterMaker()
    rows = [row for part in range(2) for row in from_table(ClusterOf, maker.make(run_folder, part).rows)]
    clusters = np.array([row.cluster for row in rows])
    assert len(rows) == 400 and all(len(set(clusters[order // 100 == blob])) == 1 for blob in range(4))
    assert min(row.similarity for row in rows) > 0.7
