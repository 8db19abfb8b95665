"""Categories for rows that have none: by labelled centroids in embedding space, or by a prompt to the policy."""

from selfj.collect.categories.step import find_categories

__all__ = ["find_categories"]
