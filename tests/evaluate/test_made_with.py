"""Settings that were edited after a run was made."""

from typing import Any

import pytest

from selfj.config import OutsideJudgeSettings, Settings, located
from selfj.errors import RunFolderError
from selfj.evaluate.made_with import check_made_with
from selfj.evaluate.outside import asked_with
from selfj.evaluate.step import evaluate, report
from selfj.judge.step import trained_with
from selfj.run import RunFolder
from selfj.sample import sampled_with
from selfj.score.step import combined_with
from selfj.tables import Fingerprint, Manifest
from selfj.variants import variant_folder, variant_settings
from tests.evaluate.synthetic import synthetic_settings

VARIANTS = {"longer": {"train.epochs": 5}, "similar": {"score.self_evaluation_weight": 0}}


def made(run: RunFolder, **tables: dict[str, Any]) -> None:
    for name, settings in tables.items():
        run.table(name).write_manifest(Manifest(name, Fingerprint(settings, {}), True))


@pytest.fixture
def settings(small_run: RunFolder) -> Settings:
    """The settings that a run with two variants and a judge from outside was made with."""
    given = synthetic_settings(small_run, judges=[OutsideJudgeSettings(name="gpt", model="g")])
    given.variants = dict(VARIANTS)
    made(small_run, responses=sampled_with(given), scored=combined_with(given), judge=trained_with(given))
    made(small_run, judged_by_gpt=asked_with(located(given).evaluate.judges[0]))
    for name in VARIANTS:
        variant, changed = variant_folder(small_run, given, name), variant_settings(given, name)
        made(variant, judge=trained_with(changed))
        if variant.owns("scored"):
            made(variant, scored=combined_with(changed))
    return given


def test_the_settings_it_was_made_with_are_fine_and_those_of_evaluation_may_change(
    small_run: RunFolder, settings: Settings
) -> None:
    settings.evaluate.bootstrap, settings.engine.workers, settings.train.workers = 7, 5, 4
    settings.evaluate.judges[0].title = "Another title"
    check_made_with(small_run, settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: setattr(s.train, "epochs", 9), r"/judge was made with .*train\.epochs: 2 → 9.*--restart-from train"),
        (
            lambda s: setattr(s.sample, "temperature", 0.5),
            r"/responses .*sample\.temperature: 1\.0 → 0\.5.*--restart-from sample",
        ),
        (lambda s: setattr(s.score, "cuts", "width"), r"/scored .*score\.cuts: quantile → width.*--restart-from score"),
        (
            lambda s: s.variants.update(longer={"train.epochs": 6}),
            r"variants/longer/judge .*epochs: 5.* → 6.*--restart-from variants",
        ),
        (lambda s: s.variants.update(longer={"score.similarity_weight": 0}), r"variants/longer/scored .*weight: 0\.5 → 0"),
        (lambda s: s.variants.update(similar={"train.epochs": 3}), r"variants/similar/scored .*weight: 0.* → 0\.5"),
        (lambda s: setattr(s.evaluate.judges[0], "model", "h"), r"/judged_by_gpt .*model: g → h.*--restart-from evaluate"),
    ],
)
@pytest.mark.parametrize("step", [evaluate, report])
def test_edited_settings_are_refused_and_no_old_judge_goes_by_their_name(
    small_run: RunFolder, settings: Settings, change: Any, words: str, step: Any
) -> None:
    change(settings)
    with pytest.raises(RunFolderError, match=words) as raised:
        step(small_run, settings)
    assert "\n" not in str(raised.value)


def test_what_has_not_been_made_is_no_contradiction(small_run: RunFolder, settings: Settings) -> None:
    settings.variants["later"] = {"train.epochs": 1}
    del settings.variants["longer"]
    check_made_with(small_run, settings)
