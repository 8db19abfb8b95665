"""Balanced sampling: numbers by category and source, and which rows."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfj.collect.balance import Balance, filled, of_strata, plan_balance, quotas
from selfj.collect.unique import UniqueMaker, balanced_ranges
from selfj.collect_settings import BalanceSettings
from selfj.records import Instruction, from_table, instruction_id, to_table
from selfj.run import RunFolder

COUNTS = {("common", "a"): 100, ("common", "b"): 10, ("coding", "c"): 50, ("academic", "d"): 40}
NOTHING = pa.array([], pa.string())


def test_without_weights_categories_keep_their_proportion_and_sources_share_evenly() -> None:
    assert quotas(COUNTS, BalanceSettings(), 100) == {
        ("common", "a"): 45,
        ("common", "b"): 10,
        ("coding", "c"): 25,
        ("academic", "d"): 20,
    }


def test_weights_share_the_budget_and_what_one_cannot_give_goes_to_the_others() -> None:
    weights = {"common": 1.0, "coding": 1.0, "academic": 2.0}
    taken = quotas(COUNTS, BalanceSettings(categories=weights), 120)
    assert taken == {("common", "a"): 30, ("common", "b"): 10, ("coding", "c"): 40, ("academic", "d"): 40}
    only = quotas(COUNTS, BalanceSettings(categories={"coding": 1.0}), 120)
    assert {group: count for group, count in only.items() if count} == {("coding", "c"): 50}


def test_no_source_gives_more_than_its_most() -> None:
    assert set(quotas(COUNTS, BalanceSettings(max_per_source=20), None).values()) == {20, 10}


@settings(deadline=None)
@given(
    available=st.dictionaries(st.integers(0, 9), st.integers(0, 50), min_size=1),
    weights=st.lists(st.floats(0, 5), min_size=10, max_size=10),
    budget=st.integers(0, 400),
)
def test_the_budget_is_met_as_far_as_there_is_something(available: dict[int, int], weights: list[float], budget: int) -> None:
    chosen = {key: weights[key] for key in available}
    given_out = filled(available, chosen, budget)
    assert all(0 <= given_out[key] <= available[key] for key in available)
    assert sum(given_out.values()) == min(budget, sum(count for key, count in available.items() if chosen[key] > 0))


@pytest.fixture
def run(run_folder: RunFolder) -> RunFolder:
    rows = [
        Instruction(
            instruction_id(f"text {i}"), f"text {i}", "r", "common" if i % 4 else "coding", None, f"s/{i % 2}", i, "train", "{}"
        )
        for i in range(200)
    ]
    ordered = sorted(rows, key=lambda row: row.instruction_id)
    for part in range(2):
        run_folder.table("unique").write(part, to_table(Instruction, ordered[100 * part : 100 * part + 100]), [], 100)
    return run_folder


def kept(run: RunFolder, balance: Balance, budget: int | None) -> list[Instruction]:
    ranges = balanced_ranges(200, budget, 10)
    made = [UniqueMaker(ranges, "unique", balance=balance).make(run, part) for part in range(ranges.parts)]
    rows = [row for part in made for row in from_table(Instruction, part.rows)]
    rejects = [reject for part in made for reject in part.rejects]
    assert len(rows) + len(rejects) == sum(part.rows_in for part in made) == 200
    assert all(reject.reason.startswith("beyond the balance: enough of ") for reject in rejects)
    return rows


def test_rows_are_taken_by_id_up_to_their_groups_number(run: RunFolder) -> None:
    sources = {"s/0": "s", "s/1": "s"}
    chosen = BalanceSettings(categories={"common": 1.0, "coding": 1.0})
    rows = kept(run, plan_balance(run.table("unique"), chosen, 40, sources, NOTHING), 40)
    assert Counter(row.category for row in rows) == {"common": 20, "coding": 20}
    smaller = kept(run, plan_balance(run.table("unique"), chosen, 20, sources, NOTHING), 20)
    assert {row.instruction_id for row in smaller} < {row.instruction_id for row in rows}


def test_files_of_a_source_count_as_one_and_dropped_rows_do_not(run: RunFolder) -> None:
    chosen = BalanceSettings(max_per_source=30)
    assert len(kept(run, plan_balance(run.table("unique"), chosen, None, {"s/0": "s", "s/1": "s"}, NOTHING), None)) == 60
    apart = plan_balance(run.table("unique"), chosen, None, {}, NOTHING)
    assert len(kept(run, apart, None)) == 90, "coding is all in s/0"
    all_ids = run.table("unique").read_all(["instruction_id"]).column(0).combine_chunks()
    assert plan_balance(run.table("unique"), chosen, None, {}, all_ids).last == {}
    assert BalanceSettings(clusters=2).enabled and not BalanceSettings().enabled


def clustered(rows: pa.Table) -> pa.Table:
    """Nine of ten rows in cluster 0, the others in clusters 1 to 9."""
    last = [int(key[-4:], 16) for key in rows.column("instruction_id").to_pylist()]
    return rows.append_column("cluster", pa.array([place % 9 + 1 if place % 10 == 0 else 0 for place in last]))


def test_a_groups_share_is_divided_evenly_among_its_clusters(run: RunFolder) -> None:
    chosen = BalanceSettings(categories={"common": 1.0, "coding": 1.0}, clusters=10)
    balance = plan_balance(run.table("unique"), chosen, 40, {"s/0": "s", "s/1": "s"}, NOTHING, clustered)
    every = clustered(run.table("unique").read_all())
    taken = every.filter(pa.array(balance.takes(every)))
    assert Counter(taken.column("category").to_pylist()) == {"common": 20, "coding": 20}
    pairs = Counter(zip(taken.column("category").to_pylist(), taken.column("cluster").to_pylist(), strict=True))
    there = Counter(zip(every.column("category").to_pylist(), every.column("cluster").to_pylist(), strict=True))
    small = [pair for pair in there if pair[1] > 0]
    assert small and all(pairs[pair] >= min(there[pair], 2) for pair in small)
    again = plan_balance(run.table("unique"), chosen, 40, {"s/0": "s", "s/1": "s"}, NOTHING, clustered)
    assert again == balance


def test_where_there_are_more_clusters_than_rows_to_take_groups_draw_from_different_ones() -> None:
    counts = {("common", source, cluster): 1 for source in "ab" for cluster in range(100)}
    taken = of_strata(counts, BalanceSettings(), 20)
    chosen = {source: {key[2] for key, count in taken.items() if count and key[1] == source} for source in "ab"}
    assert len(chosen["a"]) == len(chosen["b"]) == 10 and len(chosen["a"] & chosen["b"]) < 6
