"""Distinct instructions in parts of equal size, and samples of them."""

from pathlib import Path
from typing import Any

import pytest

from selfj.collect import unique
from selfj.collect.unique import Ranges, plan_ranges
from selfj.collect_settings import SourceSettings
from selfj.records import instruction_id
from selfj.run import RunFolder
from tests.collect.collecting import GENERATED, collect_here, row, rows, settings_of, write_jsonl


def test_of_equal_instructions_the_first_in_the_order_of_sources_and_rows_is_kept(tmp_path: Path, run_folder: RunFolder) -> None:
    first = write_jsonl(tmp_path / "first.jsonl", [row(1), row(2), {**row(1), "reference": "again"}])
    second = write_jsonl(tmp_path / "second.jsonl", [{"instruction": "what  IS 2 plus\tone?", "reference": "other"}, row(3)])
    kept, rejects = collect_here(run_folder, settings_of(first, second))
    assert sorted((item.source, item.row) for item in kept) == [("first.jsonl", 0), ("first.jsonl", 1), ("second.jsonl", 1)]
    assert [(reject.source, reject.row, reject.field, reject.reason) for reject in rejects] == [
        ("first.jsonl", 2, "instruction", "duplicate: of first.jsonl row 0"),
        ("second.jsonl", 0, "instruction", "duplicate: of first.jsonl row 1"),
    ]
    assert rejects[1].key == instruction_id("What is 2 plus one?") and rejects[1].content == "what  IS 2 plus\tone?"


def test_parts_are_of_about_the_size_asked_for_and_sorted_by_id(run_folder: RunFolder) -> None:
    settings = settings_of(SourceSettings(path=GENERATED, rows=5000), rows_per_part=250)
    kept, rejects = collect_here(run_folder, settings)
    table = run_folder.table("instructions")
    sizes = [table.counts(part).rows_out for part in table.parts()]
    assert len(kept) == 4000 and len(rejects) == 1000
    assert len(sizes) == 16 and 150 < min(sizes) <= max(sizes) < 350
    ids = [item.instruction_id for item in kept]
    assert ids == sorted(set(ids))


def test_a_sample_holds_the_lowest_ids_and_is_part_of_every_larger_one(tmp_path: Path) -> None:
    samples: dict[int, list[str]] = {}
    for limit in (1, 100, 900, 4000, 10_000):
        settings = settings_of(SourceSettings(path=GENERATED, rows=5000), max_instructions=limit)
        kept, rejects = collect_here(RunFolder(str(tmp_path / str(limit))), settings)
        samples[limit] = [item.instruction_id for item in kept]
        assert len(kept) == min(limit, 4000) and len(kept) + len(rejects) == 5000
        assert sum(reject.reason == "beyond max_instructions" for reject in rejects) == 4000 - len(kept)
    assert all(samples[10_000][:limit] == samples[limit] for limit in samples)


def test_the_result_does_not_depend_on_how_much_is_read_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(SourceSettings(path=GENERATED, rows=6000), rows_per_part=100, max_instructions=2000)
    results: list[Any] = []
    for rows_at_a_time in (1, 170, 100_000):
        monkeypatch.setattr(unique, "_TEXT_ROWS", rows_at_a_time)
        monkeypatch.setattr(unique, "_KEY_ROWS", max(rows_at_a_time, 100))
        kept, rejects = collect_here(RunFolder(str(tmp_path / str(rows_at_a_time))), settings)
        results.append((kept, sorted(rejects, key=lambda reject: (reject.source, reject.row or 0))))
    assert results[0] == results[1] == results[2]


def test_a_larger_collection_keeps_the_splits_of_a_smaller_one(tmp_path: Path) -> None:
    small, _ = collect_here(RunFolder(str(tmp_path / "small")), settings_of(SourceSettings(path=GENERATED, rows=1000)))
    large, _ = collect_here(
        RunFolder(str(tmp_path / "large")),
        settings_of(SourceSettings(path=GENERATED, rows=4000), write_jsonl(tmp_path / "x.jsonl", rows(9, -9))),
    )
    splits = {item.instruction_id: item.split for item in large}
    assert all(splits[item.instruction_id] == item.split for item in small)
    shares = {name: sum(split == name for split in splits.values()) / len(splits) for name in ("train", "calibration", "test")}
    assert shares["test"] == pytest.approx(0.1, abs=0.02) and shares["calibration"] == pytest.approx(0.05, abs=0.02)


def test_ranges_cover_every_id_once() -> None:
    ranges = Ranges(parts=7, cutoff=1 << 100, kept_rows=10, beyond_rows=10)
    assert ranges.kept(0) == "0" * 32 and ranges.beyond(7) == "g" > "f" * 32
    assert ranges.kept(7) == ranges.beyond(0) == f"{1 << 100:032x}"
    bounds = [ranges.kept(part) for part in range(8)] + [ranges.beyond(part) for part in range(8)]
    assert bounds == sorted(bounds)


def test_a_tiny_sample_of_many_rows_still_spreads_its_rejects_over_parts(
    run_folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect_here(run_folder, settings_of(SourceSettings(path=GENERATED, rows=2000)))
    monkeypatch.setattr(unique, "_KEY_ROWS", 100)
    ranges = plan_ranges(run_folder.table("collected"), 1600, 10, 1000)
    assert ranges.parts == 16 and (ranges.kept_rows, ranges.beyond_rows) == (10, 1590)
