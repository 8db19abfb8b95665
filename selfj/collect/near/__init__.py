"""Near duplicates: instructions that share most of their shingles, over the whole collection.

    unique ──▶ bands ──▶ near_pairs ──▶ near_verified ──▶ near_duplicates
     texts    MinHash   equal bands     exact Jaccard       clusters

Each is a table of the run, made part by part (selfj/parts.py), so memory is bounded by what a part may hold and the result is
the same for any number of workers. Only the last holds something for every near duplicate at once: about 200 bytes each.
"""

from selfj.collect.near.step import find_near_duplicates

__all__ = ["find_near_duplicates"]
