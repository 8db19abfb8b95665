"""Every row of the table made for real, by tiny models through Ray: variants, resampling, best-of-N, a judge from outside."""

from pathlib import Path

import numpy as np
import pytest

from selfj.config import (
    EvaluateSettings,
    OutsideJudgeSettings,
    SampleSettings,
    Settings,
    TrainSettings,
)
from selfj.errors import RunFolderError
from selfj.evaluate.evaluation import evaluate_tables
from selfj.evaluate.step import evaluate
from selfj.judge.judge import JudgeFolder
from selfj.judge.step import train_judges
from selfj.records import stable_seed
from selfj.run import RunFolder
from selfj.sample import sample
from selfj.score import score
from tests.tables import instruction, write_instructions
from tests.tiny_models import make_model, tiny_settings

VARIANTS = {
    "judge_cosine": {"score.self_evaluation_weight": 0},
    "judge_no_distillation": {"train.teacher_weight": 0, "train.distillation_weight": 0, "train.student_weight": 1},
}
pytestmark = [pytest.mark.ray, pytest.mark.slow]


def length_in_tens(metadata: dict, response: str) -> float:
    """A gold for random text: its length."""
    return min(len(response), 100) / 100


def settings_of(run: RunFolder, model: Path) -> Settings:
    evaluate = EvaluateSettings(
        gold=f"{__name__}:length_in_tens",
        bootstrap=20,
        resamples=2,
        best_of=4,
        best_of_instructions=3,
        judges=[
            OutsideJudgeSettings(name="itself", kind="selfj", model=run.path("judge")),
            OutsideJudgeSettings(name="seeing", kind="selfj", model=run.path("judge"), with_reference=True),
        ],
    )
    return tiny_settings(
        run,
        model,
        sample=SampleSettings(max_tokens=12),
        train=TrainSettings(max_examples=8, batch_size=8, epochs=1, max_tokens=200, validation_examples=2, precision="float32"),
        evaluate=evaluate,
        variants=VARIANTS,
    )


@pytest.fixture(scope="module")
def made(ray_local, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    run = RunFolder(str(folder / "run"))
    settings = settings_of(run, make_model(folder / "model"))
    write_instructions(run, [instruction(i) for i in range(24)])
    for step in (sample, score, train_judges, evaluate):
        step(run, settings)
    return run, settings


def scores(run: RunFolder, table: str, column: str = "score") -> dict[str, float]:
    rows = run.table(table).read_all()
    method = rows.filter(np.array(rows["method"].to_pylist()) != "judge_reference") if "method" in rows.column_names else rows
    return dict(zip(method["response_id"].to_pylist(), method[column].to_pylist(), strict=True))


def test_all_rows_have_scores(made):
    run, settings = made
    (policy,) = evaluate_tables(run, settings)["policies"].values()
    names = ["seeing", "seeing_plus_cosine", "vro", "itself", "judge_cosine", "judge_no_distillation", "judge"]
    assert [name for name in policy["methods"] if name in names] == names
    assert {policy["methods"][name]["scored_share"] for name in names} == {1.0}
    assert policy["best_of_n"]["instructions"] == 3
    assert {entry["worse"] for entry in policy["differences"]} >= {"vro", "judge_cosine", "judge_no_distillation"}


def test_a_judge_asked_from_outside_says_what_it_says_inside(made):
    run, _ = made
    inside, outside = scores(run, "judged"), scores(run, "judged_by_itself")
    assert inside.keys() == outside.keys()
    assert list(outside.values()) == pytest.approx(list(inside.values()), abs=1e-4)


def test_a_judge_that_saw_the_reference_is_combined_with_similarity(made):
    run, _ = made
    both, alone = scores(run, "judged_by_seeing_plus_cosine"), scores(run, "judged_by_seeing")
    assert both.keys() == alone.keys() and all(0 < value < 1 for value in both.values())
    similarity = dict(zip(*run.table("similarities").read_all(["response_id", "similarity"]).to_pydict().values(), strict=True))
    columns = np.array([[alone[key], similarity[key], value] for key, value in both.items()]).T
    assert np.corrcoef(columns)[2, :2].min() > 0.3


def test_variants_are_other_judges_made_from_the_same_answers(made):
    run, _ = made
    variants = run.variants()
    assert list(variants) == list(VARIANTS)
    cosine, plain = (JudgeFolder.load(variant.path("judge")) for variant in variants.values())
    whole = JudgeFolder.load(run.path("judge"))
    assert cosine.data != whole.data == plain.data
    assert set(plain.validation) >= {"student"} and "teacher" not in plain.validation
    labels = [run.table(name).read_all()["label"].to_pylist() for name in ("scored", "variants/judge_cosine/scored")]
    assert labels[0] != labels[1]
    assert not variants["judge_cosine"].store.exists("responses") and not variants["judge_no_distillation"].store.exists("scored")
    own = [scores(run, f"{place}judged") for place in ("", *(f"variants/{name}/" for name in VARIANTS))]
    assert own[0].keys() == own[1].keys() and own[0] != own[1] != own[2] != own[0]


def test_further_answers_are_those_that_more_responses_would_have_been(made):
    run, settings = made
    candidates = run.table("candidates").read_all().to_pylist()
    assert {row["response_id"].rsplit("-", 1)[1] for row in candidates} <= {"1", "2", "3", "4"}
    assert {row["seed"] for row in candidates} == {stable_seed(settings.seed, row["response_id"]) for row in candidates}


def test_a_second_time_nothing_is_made_anew(made, capsys):
    run, settings = made
    before = {file: run.store.filesystem.modified(file) for file in run.store.filesystem.find(run.store.root) if "part-" in file}
    train_judges(run, settings)
    evaluate(run, settings)
    after = {file: run.store.filesystem.modified(file) for file in run.store.filesystem.find(run.store.root) if "part-" in file}
    assert after == before
    assert "candidates is finished" in capsys.readouterr().out


def test_a_variant_whose_settings_change_is_refused_until_variants_are_restarted(made):
    run, settings = made
    changed = settings_of(run, Path(settings.policy.model))
    changed.variants = {"judge_cosine": {"score.self_evaluation_weight": 0.1}}
    with pytest.raises(RunFolderError, match=r"self_evaluation_weight: 0.* → 0\.1.*--restart-from variants"):
        train_judges(run, changed)
