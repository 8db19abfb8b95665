import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from selfj.rating import Question, Rating
from selfj.selfjudge.pairs import Pair
from selfj.selfjudge.pairwise import PairRater, PointwiseComparison, verdict_of
from tests.tiny_models import make_model

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
    def rate(self, questions: list[Question]) -> list[Rating]:
        return [
            Rating(None, None, None, "too long") if q.response == "?" else Rating(float(q.response), None, None, None)
            for q in questions
        ]


def test_a_pointwise_judge_compares_by_its_scores():
    judge = PointwiseComparison(_Rater())  # type: ignore[arg-type]
    better, tied, unrated = judge.compare([Pair("i", "3", "7.5"), Pair("i", "4", "4"), Pair("i", "4", "?")])
    assert (better.preferred, better.score_b) == ("b", pytest.approx(7.5 / 9))
    assert tied.tie
    assert unrated.reason == "an answer could not be rated" and not unrated.tie


class _TorchEngine:
    """What a PairRater needs of an engine, as a plain forward pass for each prompt."""

    def __init__(self, folder: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.context = 400

    def label_logprobs(self, prompts, labels, *, adapted=False):
        rows = []
        for prompt in prompts:
            with torch.no_grad():
                logits = self.model(torch.tensor([prompt])).logits[0, -1]
            rows.append(torch.log_softmax(logits.float(), dim=-1)[labels].numpy())
        return np.array(rows, dtype=np.float32).reshape(-1, len(labels))


def test_a_pair_is_read_from_the_raw_distribution_of_four_plain_forward_passes(tmp_path):
    folder = str(make_model(tmp_path, "qwen"))
    engine = _TorchEngine(folder)
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
    rater = PairRater(_TorchEngine(str(make_model(tmp_path, "qwen"))), "standard", max_tokens=330)  # type: ignore[arg-type]
    long, short = rater.compare([Pair("why " * 400, "a", "b"), Pair("What?", "This.", "That.")])
    assert long.preferred is None and long.reason is not None and "of 330 tokens" in long.reason
    assert short.score_a is not None
