import numpy as np
import pyarrow as pa
import pytest

from selfj.evaluate.methods import METHODS, PartTables, judged_method, perplexity_scores, scored_column
from selfj.records import Judged, Response, Scored, to_table

RESPONSES = to_table(
    Response,
    [
        Response("a-0", "a", "x", "p", 1, 4, -2.0, "stop"),
        Response("b-0", "b", "", "p", 1, 0, 0.0, "stop"),
        Response("c-0", "c", "y", "p", 1, 3, None, "stop"),
    ],
)
SCORED = to_table(Scored, [Scored("c-0", "c", 4.5, None, None, None, "no reference"), Scored("a-0", "a", 9.0, 0.5, 0.8, 8, None)])
JUDGED = to_table(
    Judged,
    [
        Judged("b-0", "judge", False, None, None, None, "prompt too long"),
        Judged("a-0", "judge", False, 7.0, None, 0.9, None),
        Judged("a-0", "self_eval", False, 1.0, None, 0.9, None),
    ],
)


def part(scored=SCORED, judged=JUDGED):
    return PartTables(RESPONSES, scored, judged)


def test_scores_stand_in_the_order_of_the_responses_and_nulls_have_their_reason():
    scores = scored_column("similarity")(part())
    assert scores.values[0] == 0.5
    assert np.isnan(scores.values[1:]).all()
    assert scores.reasons == [None, "the answer is not in the table scored", "no reference"]


def test_a_row_with_one_signal_missing_keeps_the_other():
    assert scored_column("self_evaluation")(part()).values[[0, 2]].tolist() == [9.0, 4.5]


def test_each_judged_method_reads_its_own_rows():
    scores = judged_method("judge")(part())
    assert scores.values[0] == 7.0
    assert scores.reasons == [None, "prompt too long", "the answer is not in the table judged (judge)"]
    assert judged_method("self_eval")(part()).values[0] == 1.0


def test_a_table_that_was_never_made_is_a_reason_and_not_a_crash():
    assert judged_method("judge")(part(judged=None)).reasons == ["there is no table judged"] * 3
    empty = JUDGED.slice(0, 0)
    assert scored_column("quality")(part(scored=SCORED.slice(0, 0))).reasons[0] == "the answer is not in the table scored"
    assert isinstance(empty, pa.Table) and np.isnan(judged_method("judge")(part(judged=empty)).values).all()


def test_perplexity_counts_against_an_answer_and_needs_tokens_and_logprobs():
    scores = perplexity_scores(part())
    assert scores.values[0] == pytest.approx(-np.exp(0.5))
    assert scores.reasons == [None, "the answer has no tokens", "the engine gave no log probability"]


def test_the_methods_are_the_seven_of_the_first_table_with_the_papers_numbers():
    seeing = ["cosine", "self_eval_reference", "self_eval_plus_cosine", "judge_reference"]
    assert [method.name for method in METHODS] == [*seeing, "ppl", "self_eval", "judge"]
    assert [method.with_reference for method in METHODS] == [True] * 4 + [False] * 3
    assert [method.paper for method in METHODS] == [48.25, 47.85, 59.98, 70.34, 11.68, 11.46, 58.65]
