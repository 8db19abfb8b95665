"""A finished collection, made in the test's own process."""

import numpy as np
import pyarrow as pa

from selfj.collect.embedded.clusters import ClusterOf
from selfj.collect.embedded.vectors import to_vectors
from selfj.collect.near.records import NearDuplicate
from selfj.collect_settings import SourceSettings
from selfj.config import Settings
from selfj.records import Instruction, instruction_id, rejected, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest

SOURCES = [
    SourceSettings(path="a.jsonl", name="a|b", category="common", licence="MIT", published=9),
    SourceSettings(path="gone.jsonl"),
]
DETAILS = {
    "rows_in": 6,
    "rows_out": 4,
    "rejected": 2,
    "reasons": {"duplicate": 1, "instruction too short": 1},
    "splits": {"train": 3, "test": 1},
    "categories": {"common": 3, "coding": 1},
    "sources": {
        "a|b": {"read": 6, "kept": 4, "rejected": 2, "reasons": {"duplicate": 1, "instruction too short": 1}},
        "gone.jsonl": {"read": 0, "kept": 0, "rejected": 0, "reasons": {}, "problems": {"gone.jsonl": "<no such file>"}},
    },
}
TEXTS = [
    ("Write a poem about the sea and the long way home.", "common"),
    ("write two words now please thank you", "common"),
    ('"Why" is it so that the sky looks blue to all of us?', "common"),
    ("Sort <b>this</b> list in Python, and explain each step of it.", "coding"),
]


def settings() -> Settings:
    found = Settings(name="mine & <yours>")
    found.collect.sources = SOURCES
    return found


def finish(run: RunFolder, name: str, details: dict | None = None, rows: int = 0) -> None:
    manifest = Manifest(name, Fingerprint({}, {}), finished=True, rows_out=rows, details=details or {})
    run.table(name).write_manifest(manifest)


def made_run(run: RunFolder) -> RunFolder:
    """Four instructions of one source in two parts, two rejects, near duplicates."""
    licence = '{"licence": "MIT"}'
    rows = [
        Instruction(instruction_id(text), text, "one two", category, None, "a|b", i, "train", licence if i else "{}")
        for i, (text, category) in enumerate(TEXTS)
    ]
    rows.sort(key=lambda row: row.instruction_id)
    for part in range(2):
        run.table("instructions").write(part, to_table(Instruction, rows[2 * part : 2 * part + 2]), [], 2)
    rejects = [
        rejected("collect", "a|b", "instruction too short: 1 words", row=7),
        rejected("collect", "a|b", "duplicate: of a|b row 1", row=8),
    ]
    run.table("collected").write(0, to_table(Instruction, []), rejects, 2)
    near = [NearDuplicate(str(i), kept, "a|b", 0) for i, kept in enumerate("xxy")]
    run.table("near_duplicates").write(0, to_table(NearDuplicate, near), [], 3)
    finish(run, "instructions", DETAILS, rows=4)
    return run


def add_clusters(run: RunFolder, kept: list[int], others: list[int]) -> RunFolder:
    """Clusters of the four instructions (in the order of their ids) and of others that were not kept; a centre is an axis."""
    ids = sorted(instruction_id(text) for text, _ in TEXTS)
    every = sorted([*zip(ids, kept, strict=True), *((instruction_id(f"other {i}"), cluster) for i, cluster in enumerate(others))])
    clusters = 1 + max(cluster for _, cluster in every)
    axes = np.eye(clusters, dtype=np.float32)
    keys = pa.chunked_array([pa.array([key for key, _ in every])])
    run.table("embeddings").write(0, to_vectors(keys, axes[[cluster for _, cluster in every]]), [], len(every))
    run.table("cluster_centres").write(0, pa.table({"embedding": list(axes)}), [], clusters)
    run.table("clusters").write(0, to_table(ClusterOf, [ClusterOf(key, cluster, 1.0) for key, cluster in every]), [], len(every))
    return run
