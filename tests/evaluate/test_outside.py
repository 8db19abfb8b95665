"""Judges from outside as rows of the table (how each kind rates is in tests/raters)."""

import itertools

import numpy as np
import pytest
import scipy.stats

from selfj.config import EngineSettings, OutsideJudgeSettings, ScoreSettings
from selfj.errors import SettingsError
from selfj.evaluate import outside
from selfj.evaluate.evaluation import evaluate_tables
from selfj.evaluate.judging import held_out
from selfj.evaluate.methods import methods_of
from selfj.evaluate.outside import CombinedMaker, OutsideMaker
from selfj.rating import Rating
from selfj.records import Judged, from_table, to_table
from selfj.tables import Fingerprint
from selfj.variants import check_variants
from tests.evaluate.synthetic import synthetic_settings


class Longest:
    """A judge that likes long answers and says nothing of every third question."""

    def __init__(self):
        self.asked = []

    def rate(self, questions):
        self.asked += questions
        scores = [None if number % 3 == 2 else float(len(question.response)) for number, question in enumerate(questions)]
        return [Rating(score, None, None, None if score is not None else "it refused") for score in scores]


@pytest.fixture
def judge(monkeypatch):
    longest = Longest()
    monkeypatch.setattr(outside, "load_judge", lambda *_: longest)
    return longest


def asked(run, with_reference):
    settings = OutsideJudgeSettings(name="longest", kind="reward_model", model="m", with_reference=with_reference)
    maker = OutsideMaker(settings, EngineSettings(), 0)
    return [maker.make(run, part) for part in run.table("responses").parts()], settings


@pytest.mark.parametrize("with_reference", [False, True])
def test_it_is_asked_about_the_held_out_answers_and_sees_the_reference_only_if_it_may(small_run, judge, with_reference):
    made, _ = asked(small_run, with_reference)
    rows = [row for part in made for row in from_table(Judged, part.rows)]
    splits = small_run.table("instructions").read_all().column("split").to_pylist()
    assert len(rows) == len(judge.asked) == len(splits) - splits.count("train")
    assert {question.reference is not None for question in judge.asked} == {with_reference}
    assert {row.method for row in rows} == {"longest"} and rows[2].reason == "it refused" and rows[2].score is None


def test_its_scores_are_a_row_of_the_table_with_their_share_beside_them(small_run, judge):
    made, settings = asked(small_run, False)
    table = small_run.table("judged_by_longest")
    for part, rows in enumerate(made):
        table.write(part, rows.rows, [], rows.rows_in)
    table.finish(table.begin(Fingerprint({}, {}), "evaluate"))
    run_settings = synthetic_settings(small_run, judges=[settings], bootstrap=10)
    found = evaluate_tables(small_run, run_settings)
    entry = found["policies"]["tiny"]["methods"]["longest"]
    assert 0.5 < entry["scored_share"] < 0.8 and set(entry["unscored_reasons"]) == {"it refused"}
    assert entry["pearson"] is not None and "calibration_error" not in entry, "a reward has no known scale"
    assert found["steps"]["evaluate"]["rows_out"] >= table.manifest().rows_out
    assert entry["length"]["score_length"] is not None


def test_a_judge_stands_beside_the_baselines_of_its_kind(small_run):
    judges = [
        OutsideJudgeSettings(name="gpt", model="g", paper=20.62),
        OutsideJudgeSettings(name="gpt_ref", model="g", with_reference=True),
    ]
    names = [method.name for method in methods_of(synthetic_settings(small_run, judges=judges))]
    assert names.index("gpt_ref") < names.index("judge_reference") < names.index("self_eval") < names.index("gpt")
    assert names[-1] == "judge"


def test_a_judge_that_has_not_been_asked_is_null_with_the_reason(small_run):
    judges = [OutsideJudgeSettings(name="gpt", model="g")]
    found = evaluate_tables(small_run, synthetic_settings(small_run, judges=judges, bootstrap=10))
    entry = found["policies"]["tiny"]["methods"]["gpt"]
    assert entry["scored"] == 0 and set(entry["unscored_reasons"]) == {"there is no table judged_by_gpt"}


SEEING = OutsideJudgeSettings(name="gpt", model="g", with_reference=True, paper=70.42)


def combined(run, scores, **score):
    """Rows of the table that combines a judge's scores (of the held-out answers, in order) with similarity."""
    settings = synthetic_settings(run, judges=[SEEING])
    settings.score = ScoreSettings(**score)
    numbers = iter(scores)
    for part in run.table("responses").parts():
        rows = [
            Judged(answer.response_id, "gpt", True, value, None, None, None if value is not None else "it refused")
            for (_, answer), value in zip(held_out(run, part), numbers, strict=False)
        ]
        run.table("judged_by_gpt").write(part, to_table(Judged, rows), [], len(rows))
    maker = CombinedMaker(run.address, "gpt", settings)
    return [row for part in run.table("judged_by_gpt").parts() for row in from_table(Judged, maker.make(run, part).rows)]


def similarities_of(run, rows):
    table = run.table("similarities").read_all(["response_id", "similarity"]).to_pylist()
    known = {row["response_id"]: row["similarity"] for row in table}
    return np.array([known[row.response_id] for row in rows])


def test_with_the_reference_in_view_it_is_combined_with_similarity_as_the_labels_are(small_run):
    count = sum(len(held_out(small_run, part)) for part in small_run.table("responses").parts())
    scores = np.random.default_rng(0).integers(0, 10, count).astype(float)
    rows = combined(small_run, scores, self_evaluation_weight=0.25, similarity_weight=0.75)
    similarity = similarities_of(small_run, rows)
    standard = [(column - column.mean()) / column.std() for column in (scores, similarity)]
    expected = scipy.stats.norm.cdf(0.25 * standard[0] + 0.75 * standard[1])
    assert [row.score for row in rows] == pytest.approx(expected, abs=1e-9)
    assert {row.method for row in rows} == {"gpt_plus_cosine"} and all(row.with_reference for row in rows)


@pytest.mark.parametrize("answered", [0, 5])
def test_where_it_refused_there_is_no_combination_and_the_reason_is_its_own(small_run, answered):
    rows = combined(small_run, itertools.chain([1.0, 9.0, 3.0, 4.0, 8.0][:answered], itertools.repeat(None)))
    assert sum(row.score is not None for row in rows) == answered
    assert {row.reason for row in rows[answered:]} == {"it refused"} and all(0 < row.score < 1 for row in rows[:answered])


def test_the_combination_is_a_row_beside_the_papers(small_run):
    judges = [SEEING, OutsideJudgeSettings(name="blind", model="g", paper=20.62)]
    methods = {method.name: method for method in methods_of(synthetic_settings(small_run, judges=judges))}
    names = list(methods)
    assert names.index("gpt") < names.index("gpt_plus_cosine") < names.index("judge_reference")
    assert (methods["gpt_plus_cosine"].paper, methods["gpt_plus_cosine"].title) == (73.09, "gpt + Cosine")
    assert "blind_plus_cosine" not in methods and [name for name in names if methods[name].outside] == [
        "gpt", "gpt_plus_cosine", "blind",
    ]  # fmt: skip


def test_its_name_is_taken(small_run):
    judges = [SEEING, OutsideJudgeSettings(name="gpt_plus_cosine", model="g")]
    with pytest.raises(SettingsError, match="gpt_plus_cosine already"):
        check_variants(synthetic_settings(small_run, judges=judges))
