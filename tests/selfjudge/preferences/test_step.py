"""The step `preferences`: every row is a pair or a reject, whatever the form."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from selfj.collect.sources import plan_source
from selfj.errors import DataError, RunFolderError
from selfj.records import from_table
from selfj.run import RunFolder
from selfj.selfjudge.preferences.rows import PreferenceMaker, reading_of
from selfj.selfjudge.preferences.step import make_preferences, make_prompts
from selfj.selfjudge.preferences.table import Preference, Prompt
from selfj.selfjudge.settings import PairSourceSettings, PreferenceSettings, SelfJudgeSettings
from selfj.tables import Fingerprint


def write_jsonl(path: Path, rows: list[Any]) -> str:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return str(path)


def made(settings: PreferenceSettings, run: RunFolder) -> list[Any]:
    """Each part of the table, made in this process."""
    reading = reading_of(settings)
    shards = [shard for number in range(len(reading.sources)) for shard in plan_source(number, reading).shards]
    maker = PreferenceMaker(settings, shards)
    return [maker.make(run, part) for part in range(len(shards))]


def pairs_of(settings: PreferenceSettings, run: RunFolder) -> list[Preference]:
    return [pair for part in made(settings, run) for pair in from_table(Preference, part.rows)]


def plain(number: int, **changes: Any) -> dict[str, Any]:
    return {"prompt": f"Question {number}?", "chosen": f"yes {number}", "rejected": f"no {number}", **changes}


def source(path: str, **changes: Any) -> PreferenceSettings:
    return PreferenceSettings(sources=[PairSourceSettings(path=path, name="test", **changes)])


def test_each_row_is_read_by_what_it_is(tmp_path, run_folder):
    transcript = {"chosen": "\n\nHuman: Hi?\n\nAssistant: Yes.", "rejected": "\n\nHuman: Hi?\n\nAssistant: No."}
    rated = [{"response": text, "annotations": {"honesty": {"Rating": rating}}} for text, rating in (("good", "5"), ("bad", "1"))]
    path = write_jsonl(tmp_path / "mixed.jsonl", [plain(0), transcript, {"instruction": "Why?", "completions": rated}])
    assert [(pair.instruction, pair.chosen) for pair in pairs_of(source(path), run_folder)] == [
        ("Question 0?", "yes 0"),
        ("Hi?", "Yes."),
        ("Why?", "good"),
    ]


def test_a_bad_row_is_rejected_with_its_number_field_and_reason_and_does_not_disturb_the_others(tmp_path, run_folder):
    path = write_jsonl(
        tmp_path / "bad.jsonl", [plain(0), "{broken", plain(2, chosen=""), [1], plain(4, rejected="yes 4"), plain(5)]
    )
    (part,) = made(source(path), run_folder)
    assert part.rows.column("row").to_pylist() == [0, 5]
    assert part.rows_in == 6 == part.rows.num_rows + len(part.rejects)
    assert [(reject.row, reject.field) for reject in part.rejects] == [(1, None), (2, "chosen"), (3, None), (4, "rejected")]
    assert part.rejects[1].reason == "empty chosen: nothing in chosen" and '"Question 2?"' in part.rejects[1].content


def test_noise_exchanges_about_the_share_asked_for_and_only_of_the_training_split(tmp_path, run_folder):
    path = write_jsonl(tmp_path / "n.jsonl", [plain(number, score_chosen=1, score_rejected=0) for number in range(800)])
    settings = source(path, noise=0.25)
    settings.prompts_fraction = 0.3
    pairs = pairs_of(settings, run_folder)
    train = [pair for pair in pairs if pair.split == "train"]
    assert not any(pair.exchanged for pair in pairs if pair.split != "train")
    assert sum(pair.exchanged for pair in train) / len(train) == pytest.approx(0.25, abs=0.06)
    for pair in train:
        assert pair.chosen.startswith("no" if pair.exchanged else "yes")
        assert pair.gap == (-1 if pair.exchanged else 1)


def test_an_instruction_is_never_in_two_splits(tmp_path, run_folder):
    path = write_jsonl(tmp_path / "t.jsonl", [plain(number % 40, chosen=f"yes {number}") for number in range(200)])
    splits = {(pair.instruction_id, pair.split) for pair in pairs_of(source(path), run_folder)}
    assert len(splits) == 40


def test_each_instruction_is_one_prompt_of_the_split_of_its_pairs(tmp_path, run_folder):
    path = write_jsonl(tmp_path / "p.jsonl", [plain(number % 30, chosen=f"yes {number}") for number in range(90)])
    folder = run_folder.table("preferences")
    parts = made(source(path), run_folder) * 2
    for number, part in enumerate(parts):
        folder.write(number, part.rows, part.rejects, part.rows_in)
    manifest = folder.finish(folder.begin(Fingerprint({}, {}), "preferences"))
    assert make_prompts(run_folder, manifest).rows_out == 30
    prompts: list[Prompt] = from_table(Prompt, run_folder.table("prompts").read_all())
    split_of = {pair.instruction_id: pair.split for part in parts for pair in from_table(Preference, part.rows)}
    assert {prompt.instruction_id: prompt.split for prompt in prompts} == split_of


def test_nothing_of_the_ultrafeedback_sample_is_lost(shared_data, run_folder):
    path = shared_data / "pairs" / "ultrafeedback_sample.parquet"
    parts = made(source(str(path)), run_folder)
    given = pq.read_table(path).to_pylist()
    pairs = [pair for part in parts for pair in from_table(Preference, part.rows)]
    assert len(pairs) + sum(len(part.rejects) for part in parts) == len(given) == 1200
    assert all(given[pair.row]["prompt"] == pair.instruction and given[pair.row]["chosen"] == pair.chosen for pair in pairs)
    reasons = Counter(reject.reason.partition(":")[0] for part in parts for reject in part.rejects)
    ties = sum(row["score_chosen"] == row["score_rejected"] for row in given)
    assert reasons["tie"] <= ties and set(reasons) <= {"tie", "contradiction", "same answer", "empty chosen", "empty rejected"}


def settings_of(path: str) -> SelfJudgeSettings:
    return SelfJudgeSettings(preferences=source(path))


@pytest.mark.usefixtures("ray_local")
def test_the_step_makes_both_tables_once_and_tells_what_is_in_them(tmp_path, run_folder, capsys):
    path = write_jsonl(tmp_path / "p.jsonl", [*(plain(number) for number in range(50)), plain(0, chosen="")])
    manifest = make_preferences(run_folder, settings_of(path))
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected) == (51, 50, 1)
    assert sum(manifest.details["splits"].values()) == 50 == manifest.details["prompts"]
    assert manifest.details["reasons"] == {"empty chosen": 1}
    make_preferences(run_folder, settings_of(path))
    assert "preferences is finished (50 rows)" in capsys.readouterr().out
    changed = settings_of(path)
    changed.preferences.prompts_fraction = 0.5
    with pytest.raises(RunFolderError, match=r"prompts_fraction: 0.2 → 0.5.*--restart-from preferences"):
        make_preferences(run_folder, changed)


@pytest.mark.usefixtures("ray_local")
def test_a_source_without_a_single_pair_is_told_with_the_reasons(tmp_path, run_folder):
    path = write_jsonl(tmp_path / "none.jsonl", [plain(0, chosen=""), plain(1, rejected=3)])
    with pytest.raises(DataError, match=r"no pair is left of 2 rows \(empty chosen 1, wrong type 1\)"):
        make_preferences(run_folder, settings_of(path))
