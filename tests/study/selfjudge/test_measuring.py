"""From a trained model to the table: answers, tournaments and verdicts of one seed, with plain forward passes and no Ray."""

from dataclasses import replace

import pytest

from selfj import parts
from selfj.config import EngineSettings, ModelSettings
from selfj.records import to_table
from selfj.run import RunFolder
from selfj.selfjudge import judges
from selfj.selfjudge.measured import answers
from selfj.selfjudge.preferences.table import Preference
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.settings import SelfJudgeSettings
from selfj.study.selfjudge import runs
from selfj.study.selfjudge.results import read_seed
from selfj.study.selfjudge.settings import SelfJudgeStudySettings
from selfj.study.selfjudge.table import selfjudge_metrics
from selfj.tables import Fingerprint
from tests.cards import jsft_card
from tests.selfjudge.self_training.worlds import write_run
from tests.selfjudge.worlds import preference
from tests.tiny_models import make_model
from tests.torch_engine import TorchEngine

GOLD = "tests.study.selfjudge.test_measuring:grade"


def grade(metadata: dict[str, int], answer: str) -> float:
    return min(1.0, len(set(answer)) / 10)


def in_this_process(run, table, missing, maker, pool, done):
    """What workers of Ray do, one part after the other."""
    made = maker()
    for part in missing:
        found = made.make(run, part)
        run.table(table.name).write(part, found.rows, found.rejects, found.rows_in)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A study's settings, and the run of a seed whose model is there."""
    monkeypatch.setattr(parts, "_make_missing", in_this_process)
    monkeypatch.setattr(answers, "Engine", lambda model, *_: TorchEngine(model.model))
    monkeypatch.setattr(judges, "Engine", lambda model, *_, **__: TorchEngine(model.model))
    study = SelfJudgeStudySettings(runs=str(tmp_path), name="study", pairs=6, tournament=4, tournament_prompts=3, bootstrap=20)
    settings = SelfJudgeSettings(
        name="seed1",
        runs=study.folder,
        seed=1,
        policy=ModelSettings(model="", name="tiny"),
        engine=EngineSettings(device="cpu"),
        self_training=SelfTrainingSettings(answer_tokens=5, gold=GOLD),
    )
    run = RunFolder(settings.run_folder)
    write_run(run)
    _write_held_out(run)
    model = make_model(tmp_path / "study/seed1/jsft", "qwen")
    jsft_card(model, max_prompt_tokens=399, settings={"clear_gap": 0.3}, pairs=1).write()
    return study, settings


def _write_held_out(run: RunFolder) -> None:
    rows = [
        preference(instruction=f"Number {n}: say it", chosen=f"yes {n}", rejected=f"no {n}", split="held_out", score_chosen=0.5)
        for n in range(8)
    ]
    table = run.table("preferences")
    table.write(1, to_table(Preference, rows), [], len(rows))
    manifest = table.manifest()
    assert manifest is not None
    table.finish(replace(manifest, fingerprint=Fingerprint({}, {})))


def test_a_model_that_answers_and_judges_is_measured(measured):
    study, settings = measured
    runs._judge(study, settings)
    runs._hold_tournaments(study, settings)
    found = read_seed(settings.run_folder, 1)
    assert found.problems == {}
    metrics = selfjudge_metrics([found], resamples=20)
    assert metrics["judge"]["accuracy"]["rows"] == metrics["judge"]["clear_accuracy"]["rows"] == 6
    assert metrics["tournament"]["matches"] == 3 * 3 and metrics["tournament"]["responses"] == 12
    assert list(metrics["tournament"]["by_size"]) == ["1", "2", "4"], "graded by the run's gold"
    sizes = {size: point["grade"] for size, point in found.tournament["by_size"].items()}
    shown = {size: point["grade"]["value"] for size, point in metrics["tournament"]["by_size"].items()}
    assert shown == pytest.approx(sizes), "the job and the study say the same"


def test_the_same_command_makes_nothing_twice(measured, monkeypatch):
    study, settings = measured
    runs._judge(study, settings)
    runs._hold_tournaments(study, settings)
    monkeypatch.setattr(parts, "_make_missing", lambda *_: pytest.fail("made once more"))
    runs._judge(study, settings)
    runs._hold_tournaments(study, settings)
