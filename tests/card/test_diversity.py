"""How much of embedding space a collection covers."""

import math

import numpy as np
import pytest

from selfj.card.diversity import diversity_of, effective_number, expected_coverage, is_sampled, neighbour_similarity
from selfj.records import instruction_id
from selfj.run import RunFolder
from tests.card.made_run import add_clusters, made_run


def test_expected_coverage_is_that_of_all_samples_of_the_size() -> None:
    counts = np.array([3, 1, 0])
    assert expected_coverage(counts, 1) == pytest.approx(1 / 3)
    assert expected_coverage(counts, 2) == pytest.approx((1 + 1 / 2) / 3)
    assert expected_coverage(counts, 4) == pytest.approx(2 / 3)
    drawn = np.random.default_rng(0).permuted(np.tile(np.repeat(np.arange(4), [50, 20, 5, 1]), (4000, 1)), axis=1)[:, :7]
    simulated = np.mean([len(set(row)) / 4 for row in drawn])
    assert expected_coverage(np.array([50, 20, 5, 1]), 7) == pytest.approx(simulated, abs=0.01)


def test_the_effective_number_of_even_clusters_is_their_number() -> None:
    assert effective_number(np.array([5, 5, 5, 0])) == pytest.approx(3)
    assert effective_number(np.array([98, 1, 1])) < 1.2


def test_the_nearest_other_vector_counts() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    assert neighbour_similarity(vectors) == pytest.approx(2 / 3)
    assert neighbour_similarity(vectors[:1]) is None


def test_a_sample_goes_by_the_last_digits_of_the_id() -> None:
    keys = [instruction_id(str(i)) for i in range(4000)]
    assert sum(is_sampled(key, 0.25) for key in keys) / 4000 == pytest.approx(0.25, abs=0.03)
    assert all(is_sampled(key, 1.0) for key in keys) and not any(is_sampled(key, 0.0) for key in keys)


def test_what_was_kept_is_compared_with_all_that_could_have_been(run_folder: RunFolder) -> None:
    found = diversity_of(add_clusters(made_run(run_folder), kept=[0, 0, 1, 1], others=[2, 3, 3, 3]))
    assert found is not None
    assert (found.clusters, found.kept, found.candidates) == (4, 4, 8)
    assert found.covered == 0.5 and found.covered_uniform == pytest.approx(
        1 - sum(math.comb(8 - n, 4) for n in (2, 2, 1, 3)) / 4 / math.comb(8, 4)
    )
    assert found.effective == pytest.approx(2) and found.similarity == pytest.approx(1.0)
    assert found.compared == 4 and found.similarity_uniform is not None and found.similarity_uniform <= 1.0


def test_without_clusters_nothing_is_measured(run_folder: RunFolder) -> None:
    assert diversity_of(made_run(run_folder)) is None
