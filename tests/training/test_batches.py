"""Which examples go where, and the tensors made of them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfj.training.batches import NO_TARGET, BatchPlan, collate, rounded_up, steps_of, validation_groups
from selfj.training.examples import Example


def _plan(count: int = 50, workers: int = 2, tokens: int = 200, batch_size: int = 12, seed: int = 0) -> BatchPlan:
    lengths = np.random.default_rng(1).integers(5, 60, count)
    return BatchPlan(lengths, rows=2, batch_size=batch_size, workers=workers, tokens=tokens, seed=seed)


def _example(prompts: list[list[int]], targets: list[list[int]], number: float = 0.5) -> Example:
    return Example("key", "train", prompts, targets, [number])


def test_one_pass_takes_every_example_once():
    plan = _plan(count=48, batch_size=12)
    seen = np.concatenate([plan.batch(step) for step in range(4)])
    assert sorted(seen.tolist()) == list(range(48))


def test_the_second_pass_is_in_another_order():
    plan = _plan(count=48, batch_size=48)
    assert plan.batch(0).tolist() != plan.batch(1).tolist()
    assert sorted(plan.batch(1).tolist()) == list(range(48))


def test_a_batch_across_two_passes_is_full():
    plan = _plan(count=50, batch_size=12)
    first_pass = {place for step in range(4) for place in plan.batch(step).tolist()}
    assert len(plan.batch(4)) == 12
    assert set(plan.batch(4)[:2].tolist()) == set(range(50)) - first_pass


def test_the_order_is_a_function_of_seed_and_step():
    assert _plan().batch(3).tolist() == _plan().batch(3).tolist()
    assert _plan().batch(3).tolist() != _plan(seed=1).batch(3).tolist()


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("tokens", [1, 100, 300, 100_000])
def test_workers_and_budget_do_not_change_what_a_step_learns_from(workers, tokens):
    plan = _plan(workers=workers, tokens=tokens)
    dealt = [place for worker in range(workers) for share in plan.micro_batches(2, worker) for place in share.tolist()]
    assert sorted(dealt) == sorted(_plan().batch(2).tolist())


@pytest.mark.parametrize("workers", [2, 3, 4])
def test_all_workers_have_equally_many_micro_batches_of_equal_size(workers):
    plan = _plan(workers=workers, tokens=150)
    shares = [[len(share) for share in plan.micro_batches(0, worker)] for worker in range(workers)]
    assert all(share == shares[0] for share in shares)


def test_a_micro_batch_keeps_to_the_token_budget():
    plan = _plan(tokens=200)
    shares = [share for worker in range(2) for share in plan.micro_batches(0, worker)]
    assert all(rounded_up(plan.lengths[share].max()) * plan.rows * len(share) <= 200 for share in shares)


def test_an_example_longer_than_the_budget_is_computed_alone():
    plan = _plan(tokens=1)
    assert [len(share) for share in plan.micro_batches(0, 0)] == [1] * 6


def test_workers_get_similar_lengths():
    plan = _plan(count=500, batch_size=120, tokens=100_000)
    sums = [sum(plan.lengths[share].sum() for share in plan.micro_batches(0, worker)) for worker in range(2)]
    assert abs(sums[0] - sums[1]) < 60


def test_rows_are_padded_on_the_left_so_that_targets_end_together():
    batch = collate([_example([[1, 2, 3], [4]], [[7, 9], [8, 9]])], pad=0)
    assert batch.input_ids.tolist() == [[0, 0, 0, 0, 1, 2, 3, 7], [0, 0, 0, 0, 0, 0, 4, 8]]
    assert batch.attention_mask.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 1, 1]]
    assert batch.position_ids.tolist() == [[0, 0, 0, 0, 0, 1, 2, 3], [0, 0, 0, 0, 0, 0, 0, 1]]
    assert batch.targets.tolist() == [[[7, 9], [8, 9]]]
    assert (batch.examples, batch.kept, batch.tokens) == (1, 2, 6)


def test_a_shorter_target_is_marked_where_it_predicts_nothing():
    batch = collate([_example([[1, 2], [3]], [[7], [4, 5, 6]])], pad=0)
    assert batch.targets.tolist() == [[[NO_TARGET, NO_TARGET, 7], [4, 5, 6]]]
    assert batch.input_ids[:, -3:].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(("length", "padded"), [(1, 8), (8, 8), (9, 16), (1024, 1024)])
def test_lengths_are_few_so_that_kernels_are_few(length, padded):
    assert rounded_up(length) == padded
    assert collate([_example([[1] * length], [[2]])], pad=0).input_ids.shape == (1, padded)


def test_numbers_travel_with_their_examples():
    batch = collate([_example([[1]], [[2]], 0.25), _example([[1]], [[2]], 0.75)], pad=0)
    assert batch.numbers.tolist() == [[0.25], [0.75]]


def test_validation_groups_share_evenly_and_leave_out_the_odd_rest():
    groups = validation_groups(np.arange(10, 21), rows=2, workers=2, tokens=80)
    assert sorted(np.concatenate(groups).tolist()) == list(range(10))
    assert all(len(group) % 2 == 0 for group in groups)
    assert validation_groups(np.array([5]), rows=2, workers=2, tokens=80) == []


def test_steps_follow_from_passes_and_are_at_least_one():
    assert steps_of(8000, 128, 2) == 125
    assert steps_of(8000, 128, 0.5) == 31
    assert steps_of(3, 128, 1) == 1


def test_a_stream_may_begin_at_a_later_step():
    plan, later = _plan(), dataclasses.replace(_plan(), first=7)
    assert [later.batch(step).tolist() for step in (7, 8)] == [plan.batch(step).tolist() for step in (0, 1)]


def mixed_plan(counts: tuple[int, ...], quotas: tuple[int, ...], workers: int = 1) -> BatchPlan:
    kinds = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    lengths = np.random.default_rng(1).integers(5, 60, len(kinds))
    return BatchPlan(lengths, 1, sum(quotas), workers, 200, seed=3, kinds=kinds, quotas=quotas)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 9), st.integers(1, 9), st.integers(0, 20))
def test_every_batch_holds_as_many_of_each_kind_as_is_asked_for(first, second, one, other, step):
    plan = mixed_plan((first, second), (one, other))
    assert plan.kinds is not None
    assert np.bincount(plan.kinds[plan.batch(step)], minlength=2).tolist() == [one, other]


def test_each_kind_goes_through_its_own_examples_epoch_by_epoch():
    plan = mixed_plan((10, 6), (4, 3))
    assert plan.kinds is not None
    seen = np.concatenate([plan.batch(step) for step in range(10)])
    for kind, count in ((0, 10), (1, 6)):
        stream = seen[plan.kinds[seen] == kind]
        assert sorted(stream[:count]) == np.flatnonzero(plan.kinds == kind).tolist()
        assert sorted(stream[count : 2 * count]) == np.flatnonzero(plan.kinds == kind).tolist()


def test_a_kind_without_a_quota_is_left_out_and_the_first_with_one_decides_how_many_steps_an_epoch_has():
    plan = mixed_plan((10, 6), (0, 3))
    assert plan.kinds is not None and set(plan.kinds[plan.batch(0)]) == {1}
    assert plan.steps(2.0) == 4
    assert mixed_plan((10, 6), (4, 3)).steps(2.0) == 5
