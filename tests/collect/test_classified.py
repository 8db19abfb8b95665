"""The step with a classifier and with clusters: on Ray, with one worker and with three."""

import json
from pathlib import Path

import pytest

from selfj.collect import collect, step_counts
from selfj.collect_settings import BalanceSettings, CentroidSettings, ClassifierSettings, NearDuplicateSettings, SourceSettings
from selfj.config import Settings, load_settings
from selfj.errors import RunFolderError, SettingsError
from selfj.records import Instruction, from_table
from selfj.run import BESIDE, BETWEEN, RunFolder
from tests.collect.categories.labelled import LABELLED, OTHERS
from tests.collect.collecting import write_jsonl

BY_CENTROIDS = ClassifierSettings(kind="centroids", centroids=CentroidSettings(per_category=2))


def sources(folder: Path) -> list[SourceSettings]:
    """A source for each category, and one without."""
    made = []
    for category, texts in LABELLED.items():
        path = write_jsonl(folder / f"{category}.jsonl", [{"instruction": text, "output": "It is so."} for text in texts])
        made.append(SourceSettings(path=str(path), category=category))
    open_rows = [{"instruction": text, "output": "It is so."} for texts in OTHERS.values() for text in texts]
    return [*made, SourceSettings(path=str(write_jsonl(folder / "open.jsonl", open_rows)))]


def settings_of(folder: Path, workers: int, **chosen) -> Settings:
    settings = Settings()
    settings.collect.sources = sources(folder)
    settings.collect.workers, settings.score.embedding_workers = workers, min(2, workers)
    settings.collect.rows_per_part = 10
    for name, value in chosen.items():
        setattr(settings.collect, name, value)
    return settings


def files(folder: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*.parquet"))}


def instructions(run: RunFolder) -> dict[str, Instruction]:
    return {row.instruction: row for row in from_table(Instruction, run.table("instructions").read_all())}


@pytest.mark.ray
def test_rows_without_a_category_get_one_and_any_number_of_workers_makes_the_same_files(
    ray_local: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("selfj.collect.step.UNIQUE_ROWS", 15)
    runs = [RunFolder(str(tmp_path / name)) for name in ("one", "three")]
    chosen = {
        "classifier": BY_CENTROIDS,
        "near_duplicates": NearDuplicateSettings(enabled=True),
        "balance": BalanceSettings(categories={"coding": 1.0, "academic": 1.0, "common": 1.0}, clusters=6),
        "max_instructions": 30,
    }
    for run, workers in zip(runs, (1, 3), strict=True):
        manifest = collect(run, settings_of(tmp_path / "data", workers, **chosen))
    assert files(runs[0].address) == files(runs[1].address)
    assert len(runs[0].table("embeddings").parts()) == 3
    assert set(runs[0].tables_of("collect")) == {"collected", "instructions", *BETWEEN, *BESIDE} - {"card"}
    assert manifest.details["categories"] == {"academic": 10, "coding": 10, "common": 10}
    counts = step_counts(runs[0])
    assert (counts.rows_in, counts.rows_out, counts.rejected) == (42, 30, 12)
    found = runs[0].upstream("categories", "test").details
    assert found["categories"] == {"coding": 2, "academic": 2, "common": 2} and found["undecided"] == {}
    assert sum(sum(row.values()) for row in found["held_out"].values()) > 0
    assert "collect: classified by centroids: " in capsys.readouterr().out
    assert collect(runs[0], settings_of(tmp_path / "data", 2, **chosen)).details == manifest.details


@pytest.mark.ray
def test_what_the_classifier_leaves_open_is_unknown_and_a_killed_run_goes_on(ray_local: None, tmp_path: Path) -> None:
    run = RunFolder(str(tmp_path / "run"))
    unsure = ClassifierSettings(kind="centroids", unknown="open", centroids=CentroidSettings(min_similarity=0.99))
    settings = settings_of(tmp_path / "data", 1, classifier=unsure)
    collect(run, settings)
    rows, others = instructions(run), [text for texts in OTHERS.values() for text in texts]
    assert {rows[text].category for text in others} == {"open"}
    assert all(rows[text].category == category for category, texts in LABELLED.items() for text in texts)
    assert run.upstream("categories", "test").details["undecided"] == {"similarity below 0.99": 6}
    before = files(run.address)
    for name in ("categories/part-00000.parquet", "instructions/part-00001.parquet"):
        Path(run.path(name)).unlink()
    for name in ("categories", "instructions"):
        manifest = run.table(name).manifest()
        assert manifest is not None
        manifest.finished = False
        run.table(name).write_manifest(manifest)
    collect(run, settings)
    assert files(run.address) == before
    settings.collect.classifier.centroids.min_similarity = 0.1
    with pytest.raises(RunFolderError, match=r"min_similarity: 0\.99 → 0\.1"):
        collect(run, settings)


@pytest.mark.ray
def test_a_sample_is_classified_and_not_what_lies_beyond_it(ray_local: None, tmp_path: Path) -> None:
    run = RunFolder(str(tmp_path / "run"))
    chosen = ClassifierSettings(kind="centroids", rows="all", centroids=CentroidSettings(held_out=0.0))
    manifest = collect(run, settings_of(tmp_path / "data", 1, classifier=chosen, max_instructions=20))
    assert manifest.rows_out == 20 and run.upstream("embeddings", "test").rows_out == 20
    assert run.upstream("categories", "test").rows_out == 20


@pytest.mark.parametrize(
    ("setting", "value", "problem"),
    [
        ("centroids.per_category", "0", "per_category: at least 1"),
        ("centroids.held_out", "1.0", "held_out: at least 0, below 1"),
        ("asked.min_probability", "2", "min_probability: 0 to 1"),
        ("asked.categories", json.dumps({"one": "alone"}), "2 to 9 of them"),
        ("unknown", "", "unknown: a name is expected"),
        ("kind", "magic", "kind"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_line(tmp_path: Path, setting: str, value: str, problem: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"name": "x", "policy": {"model": "m"}, "collect": {"sources": [{"path": "a.jsonl"}]}}))
    with pytest.raises(SettingsError, match=problem) as raised:
        load_settings(config, f"--collect.classifier.{setting}", value)
    assert "\n" not in str(raised.value)


def test_categories_of_the_prompt_are_those_of_the_settings_alone(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    asked = {"asked": {"categories": {"law": "contracts", "medicine": "health"}}}
    collect_settings = {"sources": [{"path": "a.jsonl"}], "classifier": {"kind": "policy", **asked}}
    config.write_text(json.dumps({"name": "x", "policy": {"model": "m"}, "collect": collect_settings}))
    assert load_settings(config).collect.classifier.asked.categories == {"law": "contracts", "medicine": "health"}
