"""Tables in embedding space beside `unique`: `embeddings`, `cluster_centres`, `clusters`."""

from selfj.collect.embedded.step import find_clusters, find_embeddings

__all__ = ["find_clusters", "find_embeddings"]
