"""Drawing candidates and stopping early."""

import asyncio
import itertools

import numpy as np
import pytest
from pytest import approx

from selfj.evaluate.best_of import Candidates, adaptive
from selfj.serve.asking import ask_of
from selfj.serve.best_of import draw, ranked
from selfj.serve.types.chat import ChatRequest
from tests.serve.fakes import FakeJudge, FakePairJudge, FakePolicy, fake_endpoint


def drawn(scores, comparing=None, **fields):
    """What is drawn if the candidates come with these scores, and the policy that was asked."""
    answers = [f"answer {place}" for place in range(len(scores))]
    policy = FakePolicy(answers)
    endpoint = fake_endpoint(policy, FakeJudge(dict(zip(answers, scores, strict=True))), comparing=comparing)
    request = ChatRequest.model_validate({"model": "pocket", "messages": [{"role": "user", "content": "Hello"}]} | fields)
    return asyncio.run(draw(endpoint, ask_of(request, endpoint, "req-1"))), policy


def numbers(candidates):
    return [one.number for one in candidates]


def test_drawing_ends_with_the_first_candidate_that_reaches_the_threshold():
    found, policy = drawn([1.0, 5.0, 9.0, 9.0], selfj={"best_of": 4})
    assert numbers(found.candidates[0]) == [0, 1]
    assert [len(call.seeds) for call in policy.calls] == [1, 1]


def test_all_are_drawn_where_none_reaches_it():
    found, _ = drawn([1.0, 4.0, 3.0, 2.0], selfj={"best_of": 4})
    assert numbers(ranked(found.candidates[0])) == [1, 2, 3, 0]


def test_all_are_drawn_in_one_call_without_early_stopping():
    found, policy = drawn([9.0, 4.0, 3.0, 2.0], selfj={"best_of": 4, "adaptive": False})
    assert len(found.candidates[0]) == 4
    assert [len(call.seeds) for call in policy.calls] == [4]


def test_always_draws_all_unless_told_where_to_stop():
    assert len(drawn([9.0, 9.0], model="pocket@always", selfj={"best_of": 2})[0].candidates[0]) == 2
    assert len(drawn([9.0, 9.0], model="pocket@always", selfj={"best_of": 2, "stop_at": 8})[0].candidates[0]) == 1


def test_several_at_a_time_are_never_more_than_were_asked_for():
    found, policy = drawn([1.0] * 5, selfj={"best_of": 5, "at_a_time": 2})
    assert [len(call.seeds) for call in policy.calls] == [2, 2, 1]
    assert numbers(found.candidates[0]) == [0, 1, 2, 3, 4]


def test_of_several_at_a_time_the_best_is_taken():
    found, _ = drawn([6.0, 8.0], selfj={"best_of": 2, "at_a_time": 2})
    assert ranked(found.candidates[0])[0].rating.score == 8.0


def test_an_answer_that_has_its_candidate_draws_no_more_while_others_do():
    found, policy = drawn([6.0, 1.0, 2.0, 7.0], n=2, selfj={"best_of": 3})
    assert [numbers(candidates) for candidates in found.candidates] == [[0], [0, 1, 2]]
    assert [len(call.seeds) for call in policy.calls] == [2, 1, 1]


def test_candidates_without_a_score_are_ranked_last_and_do_not_stop_the_drawing():
    found, _ = drawn([None, 0.0, 6.0], selfj={"best_of": 3})
    assert numbers(ranked(found.candidates[0])) == [2, 1, 0]


def test_equal_scores_are_ranked_in_the_order_drawn():
    found, _ = drawn([3.0, 3.0, 3.0], selfj={"best_of": 3})
    assert numbers(ranked(found.candidates[0])) == [0, 1, 2]


def test_tokens_of_all_candidates_are_counted():
    found, _ = drawn([1.0, 1.0, 6.0], selfj={"best_of": 8})
    assert found.policy.completion_tokens == 3 * 2
    assert (found.policy.prompt_tokens, found.policy.cached_tokens) == (3 * 7, 3 * 3)
    assert (found.judge.prompt_tokens, found.judge.cached_tokens) == (3 * 10, 3 * 4)


def prefers(*places):
    return FakePairJudge([f"answer {place}" for place in places])


BY_TOURNAMENT = {"best_of": 4, "pick": "tournament"}


def test_a_tournament_draws_all_candidates_and_costs_one_match_fewer():
    judge = prefers(2, 0, 1, 3)
    found, policy = drawn([9.0, 8.0, 1.0, 7.0], judge, selfj=BY_TOURNAMENT)
    assert [len(call.seeds) for call in policy.calls] == [4]
    assert [(won.number, won.matches) for won in found.won] == [(2, 3)]
    assert [len(pairs) for pairs in judge.calls] == [2, 1]
    assert {pair.instruction for pairs in judge.calls for pair in pairs} == {"Hello"}


def test_the_winner_of_a_tournament_stands_first_and_the_others_by_score():
    found, _ = drawn([9.0, 8.0, 1.0, 7.0], prefers(2, 0, 1, 3), selfj=BY_TOURNAMENT)
    assert numbers(ranked(found.candidates[0], found.won[0].number)) == [2, 0, 1, 3]


def test_the_tournaments_of_all_answers_go_on_together():
    judge = prefers(5, 4, 3, 2, 1, 0)
    found, _ = drawn([1.0] * 6, judge, n=2, selfj={"best_of": 3, "pick": "tournament"})
    assert [len(pairs) for pairs in judge.calls] == [2, 2]
    assert [won.number for won in found.won] == [2, 2]


def test_what_a_tournament_reads_counts_for_the_judge():
    found, _ = drawn([1.0] * 4, prefers(0, 1, 2, 3), selfj=BY_TOURNAMENT)
    assert (found.judge.prompt_tokens, found.judge.cached_tokens) == (4 * 10 + 3 * 20, 4 * 4 + 3 * 8)


def test_a_tournament_in_which_nothing_could_be_judged_has_no_winner():
    found, _ = drawn([1.0, 3.0, 2.0, 0.0], FakePairJudge(), selfj=BY_TOURNAMENT)
    assert [(won.number, won.matches) for won in found.won] == [(None, 3)]
    assert numbers(ranked(found.candidates[0], found.won[0].number))[0] == 1, "the highest score"


def test_one_candidate_needs_no_tournament():
    judge = prefers(0)
    found, _ = drawn([3.0], judge, selfj={"pick": "tournament"})
    assert not judge.calls and not found.won


@pytest.mark.parametrize("threshold", [0.0, 5.0, 6.5, 9.0])
def test_over_all_orders_it_is_what_the_report_calls_adaptive(threshold):
    scores, gold = [6.0, 2.0, 8.0, 4.5], {6.0: 0.3, 2.0: 0.9, 8.0: 0.6, 4.5: 0.1}
    options = {"best_of": 4, "stop_at": threshold}
    found = [drawn(order, model="pocket@always", selfj=options)[0].candidates[0] for order in itertools.permutations(scores)]
    row = np.array([scores])
    report = adaptive(Candidates(np.array([[gold[score] for score in scores]]), row, row, row, row, {}), threshold)
    assert np.mean([len(candidates) for candidates in found]) == approx(report.drawn[0])
    assert np.mean([gold[ranked(candidates)[0].rating.score] for candidates in found]) == approx(report.gold[0])
