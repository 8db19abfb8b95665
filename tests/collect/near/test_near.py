"""Near duplicates from `unique` to `near_duplicates`, in this process: what is found, what is kept; parts change nothing."""

import itertools
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from selfj.collect.near.clusters import best_of_each, components
from selfj.collect.near.pairs import NEIGHBOURS, distinct_pairs, pairs_of
from selfj.collect.near.records import BUCKET_BITS
from selfj.collect.near.signatures import buckets_of, joined, shingles_of
from selfj.collect.near.verify import jaccard, similarities
from selfj.collect.unique import UniqueMaker, plan_ranges
from selfj.collect_settings import NearDuplicateSettings
from selfj.records import Instruction, from_table, instruction_id, rejected, to_table
from selfj.run import RunFolder
from tests.collect.collecting import near_here

WORDS = [f"w{number}" for number in range(2000)]
LABELS = ["best", "other"]
NEAR = NearDuplicateSettings(enabled=True)


def text_of(seed: int, length: int = 40) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def changed(text: str, places: int, seed: int = 0) -> str:
    """The text with some words at its end replaced: only a few shingles differ."""
    words = text.split()
    return " ".join([*words[: len(words) - places], *(f"x{seed}y{place}" for place in range(places))])


def in_words(text: str) -> set[str]:
    """Shingles of three words as texts."""
    words = text.split()
    return {" ".join(words[start : start + 3]) for start in range(len(words) - 2)}


def jaccard_of(one: str, other: str) -> float:
    shared = in_words(one) & in_words(other)
    return len(shared) / len(in_words(one) | in_words(other))


def row(text: str, number: int, source: str = "best", reference: str = "r") -> Instruction:
    return Instruction(instruction_id(text), text, reference, "common", None, source, number, "train", "{}")


def write_unique(run: RunFolder, rows: list[Instruction], parts: int = 1) -> None:
    ordered = sorted(rows, key=lambda item: item.instruction_id)
    size = -(-len(ordered) // parts)
    for part in range(parts):
        piece = ordered[part * size : (part + 1) * size]
        run.table("unique").write(part, to_table(Instruction, piece), [], len(piece))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What is the capital of France?", "what is  the capital, of France", True),
        ("What is 2 + 2?", "What is 2 - 2?", False),
        ("请用一句话解释", "请用一句话描述", False),
        ("???", "!!!", False),
    ],
)
def test_case_spaces_and_punctuation_make_no_other_shingles_but_words_and_signs_do(one: str, other: str, same: bool) -> None:
    shingles = shingles_of([one, other], 3)
    assert (shingles.of(0) == shingles.of(1)) is same


def test_a_short_text_is_one_shingle() -> None:
    shingles = shingles_of(["one two", "one two three four", "one", "two one", "three two one"], 3)
    assert [len(shingles.of(text)) for text in range(5)] == [1, 2, 1, 1, 1]
    assert len(set(shingles.hashes.tolist())) == 6


def test_hashed_shingles_are_as_alike_as_the_texts() -> None:
    texts = [changed(text_of(seed // 4), 3 * (seed % 4)) for seed in range(40)]
    shingles = joined(shingles_of(texts[start : start + 7], 3) for start in range(0, 40, 7))
    assert (shingles.hashes == shingles_of(texts, 3).hashes).all()
    first, second = np.arange(39), np.arange(1, 40)
    found = similarities(shingles, first, second)
    assert found.tolist() == [jaccard_of(texts[i], texts[i + 1]) for i in range(39)] and 0 < found.max() < 1
    assert jaccard({1, 2}, {2, 3}) == pytest.approx(1 / 3)


def buckets(texts: list[str]) -> npt.NDArray[np.int64]:
    return buckets_of(shingles_of(texts, NEAR.shingle), NEAR)


def test_texts_agree_in_bands_the_more_often_the_more_alike_they_are() -> None:
    texts = [text_of(seed) for seed in range(200)]
    whole = buckets(texts)
    assert whole.shape == (200, NEAR.bands) and whole.min() >= 0 and whole.max() < 1 << BUCKET_BITS
    alike = (whole == buckets([changed(text, 2) for text in texts])).mean()
    apart = (whole == buckets([changed(text, 12) for text in texts])).mean()
    assert alike > 0.5 > 0.2 > apart and (whole == buckets(texts)).all()
    assert (whole[0] == whole[1:]).sum() == 0 and len(set(whole[0].tolist())) == NEAR.bands


def test_each_member_of_a_bucket_is_compared_with_the_first_and_with_some_neighbours() -> None:
    buckets, nothing = np.array([7, 9, 7, 7, 3, 7]), np.array([], np.int64)
    first, second = pairs_of(buckets, np.array([2, 0, 1, 2, 0, 3]), np.arange(6))
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 2), (0, 3), (0, 5), (2, 3), (2, 5), (3, 5)]
    first, second = pairs_of(np.zeros(40, np.int64), np.arange(40), np.arange(40))
    of_last = sorted(one for one, other in zip(first.tolist(), second.tolist(), strict=True) if other == 39)
    before = 39 - NEIGHBOURS
    assert of_last == [0, *range(before, 39)] and len(first) == sum(range(1, NEIGHBOURS + 1)) + (NEIGHBOURS + 1) * before
    assert [len(column) for column in pairs_of(nothing, nothing, nothing)] == [0, 0]


def test_pairs_are_sorted_and_each_is_there_once() -> None:
    first, second = distinct_pairs(np.array([5, 1, 2, 9]), np.array([2, 3, 5, 1]))
    assert (first.tolist(), second.tolist()) == ([1, 1, 2], [3, 9, 5])


def test_of_each_component_the_node_of_the_lowest_priority_is_best() -> None:
    groups = components(6, np.array([0, 2, 4]), np.array([2, 4, 0]))
    assert len(set(groups[[0, 2, 4]])) == 1 and len(set(groups)) == 4
    best = best_of_each(groups, [np.array([1, 0, 1, 0, 0, 0]), np.array([0, 0, 0, 0, 5, 0])])
    assert best.tolist() == [4, 1, 4, 3, 4, 5]


def test_near_duplicates_are_found_and_others_left_alone(run_folder: RunFolder) -> None:
    originals = [row(text_of(seed), seed) for seed in range(300)]
    copies = [row(changed(item.instruction, 2), item.row, "other") for item in originals[:100]]
    cousins = [row(changed(item.instruction, 15), item.row + 1000, "other") for item in originals[100:200]]
    write_unique(run_folder, [*originals, *copies, *cousins], parts=3)
    found = near_here(run_folder, NEAR, LABELS)
    assert {item.instruction_id for item in found} == {item.instruction_id for item in copies}
    assert all(item.kept_source == "best" for item in found)
    kept = {item.instruction_id: item.kept_id for item in found}
    assert all(kept[copy.instruction_id] == original.instruction_id for copy, original in zip(copies, originals, strict=False))


def test_the_threshold_is_exact(run_folder: RunFolder) -> None:
    base = text_of(1, 42)  # 40 shingles; 4 changed words at the end leave 36 of 44
    write_unique(run_folder, [row(base, 0), row(changed(base, 4), 1)])
    similar = jaccard_of(base, changed(base, 4))
    assert similar == pytest.approx(36 / 44)
    for threshold, count in ((similar - 0.001, 1), (similar + 0.001, 0)):
        assert len(near_here(run_folder, NearDuplicateSettings(enabled=True, threshold=threshold), LABELS)) == count


def test_two_questions_about_one_text_are_no_duplicates_but_one_question_in_other_words_is(run_folder: RunFolder) -> None:
    passage, question = text_of(7, 120), "Which river flows through the capital of the country"
    asked = [question, f"{question} named here", "Who founded it", "List all years"]
    rows = [row(f"{text}\n\n{passage}", number) for number, text in enumerate(asked)]
    write_unique(run_folder, rows)
    assert jaccard_of(rows[0].instruction, rows[2].instruction) > 0.8
    assert [item.instruction_id for item in near_here(run_folder, NEAR, LABELS)] == [rows[1].instruction_id]
    whole = NearDuplicateSettings(enabled=True, asked=0)
    assert len(near_here(run_folder, whole, LABELS)) == 3


def test_a_chain_of_near_duplicates_is_one_cluster(run_folder: RunFolder) -> None:
    base = text_of(2, 42)
    texts = [base, changed(base, 3, 1), " ".join([*changed(base, 3, 1).split()[3:], "a", "b", "c"])]
    ends = jaccard_of(texts[0], texts[2])
    assert ends < 0.8
    write_unique(run_folder, [row(text, number) for number, text in enumerate(texts)])
    assert [item.kept_row for item in near_here(run_folder, NEAR, LABELS)] == [0, 0]


@pytest.mark.parametrize(("keep", "kept"), [("first", ("best", 3)), ("longest_reference", ("other", 7))])
def test_which_one_is_kept_is_a_setting(run_folder: RunFolder, keep: str, kept: tuple[str, int]) -> None:
    base = text_of(3)
    write_unique(
        run_folder,
        [
            row(base, 9, "best", "as short"),
            row(changed(base, 1), 3, "best", "short"),
            row(changed(base, 2), 7, "other", "the longest of all"),
        ],
    )
    found = near_here(run_folder, NearDuplicateSettings(enabled=True, keep=keep), LABELS)  # type: ignore[arg-type]
    assert {(item.kept_source, item.kept_row) for item in found} == {kept} and len(found) == 2


def test_the_parts_make_no_difference(tmp_path: Path) -> None:
    rows = [row(changed(text_of(seed // 3), seed % 3), seed) for seed in range(240)]
    results = []
    for number, (parts, slices) in enumerate(itertools.product((1, 4), ((1, 1), (5, 3)))):
        run = RunFolder(str(tmp_path / str(number)))
        write_unique(run, rows, parts)
        results.append(near_here(run, NEAR, LABELS, slices))
    assert len(results[0]) == 160 and all(result == results[0] for result in results)


def test_a_large_bucket_of_many_clusters_costs_pairs_by_its_size_alone(run_folder: RunFolder) -> None:
    shared = text_of(4, 30)  # all share it, and so many bands; pairs of equal tails are near duplicates
    rows = [row(f"{shared} {text_of(100 + number // 2, 25)}{' extra' * (number % 2)}", number) for number in range(200)]
    write_unique(run_folder, rows)
    found = near_here(run_folder, NEAR, LABELS)
    pairs = run_folder.table("near_pairs").counts(0).rows_out
    assert pairs < 5 * len(rows) * NEAR.bands and len(found) >= 95
    assert all(item.kept_row % 2 == 0 for item in found)


def test_what_is_dropped_is_a_reject_and_a_sample_is_filled_from_the_others(run_folder: RunFolder) -> None:
    rows = [row(changed(text_of(seed // 2), seed % 2), seed) for seed in range(100)]
    write_unique(run_folder, rows, 2)
    found = near_here(run_folder, NEAR, LABELS)
    unique, dropped = run_folder.table("unique"), run_folder.table("near_duplicates")
    for limit, expected in ((None, 50), (20, 20)):
        ranges = plan_ranges(unique, 100, limit, 10, dropped)
        maker = UniqueMaker(ranges, "unique", "near_duplicates")
        made = [maker.make(run_folder, part) for part in range(ranges.parts)]
        kept = [item for part in made for item in from_table(Instruction, part.rows)]
        rejects = [reject for part in made for reject in part.rejects]
        assert len(kept) == expected and len(kept) + len(rejects) == sum(part.rows_in for part in made) == 100
        near = [reject for reject in rejects if reject.reason.startswith("near duplicate: of best row ")]
        assert not {item.instruction_id for item in kept} & {item.instruction_id for item in found}
        assert limit or {reject.key for reject in near} == {item.instruction_id for item in found}
    assert near and near[0].step == rejected("collect", "x", "y").step


def test_a_collection_without_near_duplicates_or_without_rows_gives_an_empty_table(tmp_path: Path) -> None:
    for name, count in (("some", 3), ("none", 0)):
        run = RunFolder(str(tmp_path / name))
        write_unique(run, [row(text_of(seed), seed) for seed in range(count)])
        assert near_here(run, NEAR, LABELS) == []
