"""From `unique` to `embeddings`, `cluster_centres` and `clusters`."""

import functools

from selfj.collect.collected import STEP
from selfj.collect.embedded.clusters import CENTRES, CLUSTERS, CentreMaker, ClusterMaker
from selfj.collect.embedded.rows import Remaining
from selfj.collect.embedded.vectors import EmbeddingMaker
from selfj.config import ScoreSettings, Settings, located
from selfj.parts import Pool, Table, make_table
from selfj.run import RunFolder
from selfj.score.similarity import embedding_folder, similarity_environment
from selfj.store import content_hash
from selfj.tables import Fingerprint, Manifest


def find_embeddings(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> Manifest:
    """Make the table `embeddings`: of all instructions that remain, if they are clustered or all of them classified, else of
    those without a category.
    """
    only_missing = not settings.collect.balance.clusters and settings.collect.classifier.rows == "missing"
    inputs = {**remaining.inputs(run, unique), **embedded_by(settings.score)}
    fingerprint = Fingerprint({"embedding_model": settings.score.embedding_model, "only_missing": only_missing}, inputs)
    there = run.table("embeddings").finished(fingerprint)
    if there:
        return there
    table = Table("embeddings", STEP, fingerprint, list(range(unique.parts)))
    maker = functools.partial(EmbeddingMaker, located(settings).score, remaining, only_missing)
    return make_table(run, table, maker, embedding_pool(settings.score))


def find_clusters(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> Manifest:
    """Make the table `clusters`."""
    count = settings.collect.balance.clusters
    embeddings = find_embeddings(run, settings, unique, remaining)
    fingerprint = Fingerprint({"clusters": count, "seed": settings.seed}, {"embeddings": embeddings.fingerprint.digest})
    centres = Table(CENTRES, STEP, fingerprint, [0])
    pool = Pool(settings.collect.workers, tasks=True)
    made = make_table(run, centres, functools.partial(CentreMaker, count, settings.seed), Pool(tasks=True))
    nearest = Table(CLUSTERS, STEP, Fingerprint({}, {CENTRES: made.fingerprint.digest}), list(range(embeddings.parts)))
    return make_table(run, nearest, ClusterMaker, pool)


def embedding_pool(settings: ScoreSettings) -> Pool:
    """Workers that each hold one embedding model."""
    return Pool(settings.embedding_workers, cpus=1, gpus=settings.embedding_gpus, environment=similarity_environment())


def embedded_by(settings: ScoreSettings) -> dict[str, str]:
    """What stands in a fingerprint for the embedding model: a hash of its files."""
    return {"embedding_model": content_hash(embedding_folder(settings.embedding_model))}
