from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfj.rating import Question, Rating
from selfj.selfjudge.pairs import Pair
from selfj.selfjudge.pairwise import PairRater, PointwiseComparison, verdict_of
from tests.test_engine import engine_actor
from tests.tiny_models import make_model
from tests.torch_engine import TorchEngine

PROBABILITY = st.floats(0.01, 0.49)


def scores(*values: float) -> np.ndarray:
    """(principles, orders, answers)."""
    return np.array(values).reshape(-1, 2, 2)


def test_the_score_of_an_answer_is_its_mean_over_both_orders():
    verdict = verdict_of(scores(0.6, 0.3, 0.2, 0.4))
    assert (verdict.score_a, verdict.score_b) == pytest.approx((0.4, 0.35))
    assert verdict.preferred == "a"
    assert verdict.flips is True


def test_a_judge_that_only_looks_at_the_place_has_no_preference():
    verdict = verdict_of(scores(0.7, 0.3, 0.3, 0.7))
    assert verdict.preferred is None and verdict.tie and verdict.flips is True


def test_principles_vote():
    verdict = verdict_of(scores(0.51, 0.49, 0.51, 0.49, 0.52, 0.48, 0.52, 0.48, 0.1, 0.9, 0.1, 0.9))
    assert verdict.preferred == "a"
    assert verdict.score_a is not None and verdict.score_b is not None and verdict.score_a < verdict.score_b


def test_an_equal_vote_falls_to_the_mean():
    assert verdict_of(scores(0.6, 0.4, 0.6, 0.4, 0.1, 0.9, 0.1, 0.9)).preferred == "b"


def test_what_is_equal_in_everything_is_nobodys_win():
    assert verdict_of(scores(0.6, 0.4, 0.6, 0.4, 0.4, 0.6, 0.4, 0.6)).preferred is None


def test_a_probability_that_is_no_number_gives_no_verdict():
    verdict = verdict_of(scores(0.6, float("nan"), 0.6, 0.4))
    assert verdict.preferred is None and not verdict.tie
    assert verdict.reason == "the model gave no finite probability for the labels"


@given(st.lists(PROBABILITY, min_size=4, max_size=4))
def test_exchanging_the_answers_exchanges_the_verdict(values):
    given_order = scores(*values)
    exchanged = given_order[:, ::-1, ::-1]
    one, other = verdict_of(given_order), verdict_of(exchanged)
    assert {"a": "b", "b": "a", None: None}[one.preferred] == other.preferred
    assert one.flips == other.flips


class _Rater:
    def __init__(self) -> None:
        self.calls: list[list[Question]] = []

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        self.calls.append(list(questions))
        return [
            Rating(None, None, None, "too long") if q.response == "?" else Rating(float(q.response), None, None, None)
            for q in questions
        ]


def test_a_pointwise_judge_compares_by_its_scores():
    judge = PointwiseComparison(_Rater())
    better, tied, unrated = judge.compare([Pair("i", "3", "7.5"), Pair("i", "4", "4"), Pair("i", "4", "?")])
    assert (better.preferred, better.score_b, better.flips) == ("b", pytest.approx(7.5 / 9), None)
    assert tied.tie
    assert unrated.reason == "answer b could not be rated: too long" and not unrated.tie


def test_a_pointwise_judge_rates_an_answer_once_however_many_pairs_it_is_in():
    rater = _Rater()
    PointwiseComparison(rater).compare([Pair("i", "1", "2"), Pair("i", "2", "3"), Pair("j", "2", "3")])
    assert rater.calls == [[Question(i, r) for i, r in (("i", "1"), ("i", "2"), ("i", "3"), ("j", "2"), ("j", "3"))]]


def test_a_pair_is_read_from_the_raw_distribution_of_four_plain_forward_passes(tmp_path):
    folder = str(make_model(tmp_path, "qwen"))
    engine = TorchEngine(folder)
    rater = PairRater(engine, "standard", ("helpfulness", "honesty"))  # type: ignore[arg-type]
    (verdict,) = rater.compare([Pair("What is 1 + 1?", "It is 2.", "It is 3.")])
    a, b = rater.encoder.labels
    expected = []
    for principle in ("helpfulness", "honesty"):
        first = engine.label_logprobs([rater.encoder.ids("What is 1 + 1?", "It is 2.", "It is 3.", principle)], [a, b])
        second = engine.label_logprobs([rater.encoder.ids("What is 1 + 1?", "It is 3.", "It is 2.", principle)], [a, b])
        expected.append((np.exp(first[0, 0]) + np.exp(second[0, 1])) / 2)
    assert verdict.score_a == pytest.approx(np.mean(expected), rel=1e-5)


def test_a_pair_that_does_not_fit_has_a_reason_and_does_not_disturb_the_others(tmp_path):
    rater = PairRater(TorchEngine(str(make_model(tmp_path, "qwen"))), "standard", max_tokens=330)  # type: ignore[arg-type]
    long, short = rater.compare([Pair("why " * 400, "a", "b"), Pair("What?", "This.", "That.")])
    assert long.preferred is None and long.reason is not None and "of 330 tokens" in long.reason
    assert short.score_a is not None


def test_the_verdicts_of_many_pairs_are_those_of_each_alone_and_cost_one_call_of_the_engine(tmp_path):
    engine = TorchEngine(str(make_model(tmp_path, "qwen")))
    rater = PairRater(engine, "short", ("helpfulness", "honesty"))  # type: ignore[arg-type]
    pairs = [Pair(f"What is {n}?", f"It is {n}.", f"No {m}.") for n in range(4) for m in range(3)]
    pairs.insert(3, Pair("why " * 400, "a", "b"))
    together = rater.compare(pairs)
    assert engine.calls == 1
    assert together == [rater.compare([pair])[0] for pair in pairs]


@pytest.mark.ray
def test_verdicts_of_vllm_are_those_of_a_plain_forward_pass(ray_local: None, tmp_path: Path) -> None:
    import ray

    model = make_model(tmp_path / "llama", "llama")
    plain, actor = TorchEngine(str(model)), engine_actor(model)

    class _Remote:
        tokenizer, context = plain.tokenizer, plain.context

        def label_logprobs(self, prompts, labels, *, adapted=False):
            return ray.get(actor.label_logprobs.remote(prompts, labels, adapted=adapted))

    pairs = [Pair(f"What is {n} + 1?", f"It is {n + 1}.", f"It is {n} " * (n % 5)) for n in range(200)]
    expected = PairRater(plain, "standard").compare(pairs)  # type: ignore[arg-type]
    found = PairRater(_Remote(), "standard").compare(pairs)  # type: ignore[arg-type]
    ray.kill(actor)
    scores = [[(v.score_a, v.score_b) for v in verdicts] for verdicts in (found, expected)]
    assert np.array(scores[0]) == pytest.approx(np.array(scores[1]), abs=1e-4)
    assert len({score for score, _ in scores[1]}) > 100, "the pairs differ, or nothing would be compared"
