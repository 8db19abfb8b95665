import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfj.selfjudge.pairs import Pair, Verdict
from selfj.selfjudge.tournament import tournament


class ByNumber:
    """Prefers the higher number; equal ones tie."""

    def __init__(self) -> None:
        self.calls: list[list[Pair]] = []

    def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
        self.calls.append(list(pairs))
        return [self._verdict(float(pair.a), float(pair.b)) for pair in pairs]

    def _verdict(self, a: float, b: float) -> Verdict:
        return Verdict("a" if a > b else "b" if b > a else None, float(a >= b), float(b >= a))


ANSWERS = st.lists(st.integers(0, 30).map(str), min_size=1, max_size=17)


@given(ANSWERS)
def test_the_best_answer_wins_in_one_match_fewer_than_there_are_answers(answers):
    (bracket,) = tournament(["which?"], [answers], ByNumber())
    assert answers[bracket.winner] == max(answers, key=float)
    assert len(bracket.matches) == len(answers) - 1


@given(ANSWERS)
def test_every_loser_loses_once_and_the_winner_never(answers):
    (bracket,) = tournament(["which?"], [answers], ByNumber())
    losers = [match.first + match.second - match.winner for match in bracket.matches]
    assert sorted([*losers, bracket.winner]) == list(range(len(answers)))


@given(st.lists(ANSWERS, min_size=1, max_size=5))
def test_all_contexts_of_a_round_are_judged_in_one_call(lists):
    judge = ByNumber()
    tournament([f"context {place}" for place in range(len(lists))], lists, judge)
    assert len(judge.calls) == max((len(answers) - 1).bit_length() for answers in lists)


def test_a_bracket_does_not_depend_on_what_else_is_in_the_batch():
    answers = [str(number) for number in range(9)]
    alone = tournament(["c"], [answers], ByNumber(), seed=3)[0]
    batch = tournament(["other", "c"], [["1", "2"], answers], ByNumber(), seed=3)[1]
    assert alone == batch


def test_a_bracket_does_not_depend_on_the_order_the_answers_are_given_in():
    answers = ["5", "5b", "3", "4", "5c"]

    class FirstShown:
        def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
            return [Verdict("a", 1.0, 0.0) for _ in pairs]

    winners = {
        permuted[tournament(["c"], [permuted], FirstShown())[0].winner] for permuted in map(list, itertools.permutations(answers))
    }
    assert len(winners) == 1


def test_another_seed_or_context_pairs_otherwise():
    answers = [str(number) for number in range(16)]
    orders = {tuple(tournament([c], [answers], ByNumber(), seed)[0].entrants) for c in ("c", "d") for seed in (0, 1)}
    assert len(orders) == 4


def test_the_callers_lists_are_left_as_they_are():
    contexts, answers = ["c"], [["3", "1", "2"]]
    tournament(contexts, answers, ByNumber())
    assert (contexts, answers) == (["c"], [["3", "1", "2"]])


def test_a_match_without_a_verdict_is_kept_in_the_bracket_and_goes_to_the_one_that_stands_first():
    class Silent:
        def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
            return [Verdict(None, None, None, reason="too long") for _ in pairs]

    (bracket,) = tournament(["c"], [["1", "2", "3"]], Silent())
    assert bracket.winner == bracket.entrants[2] or bracket.winner == bracket.entrants[0]
    assert [match.verdict.reason for match in bracket.matches] == ["too long", "too long"]
    assert all(match.winner == match.first for match in bracket.matches)


def test_the_odd_one_out_of_a_round_is_not_always_the_same():
    (bracket,) = tournament(["c"], [[str(number) for number in range(7)]], ByNumber())
    first_round = {place for match in bracket.matches if match.round == 0 for place in (match.first, match.second)}
    second_round = {place for match in bracket.matches if match.round == 1 for place in (match.first, match.second)}
    (bye,) = set(range(7)) - first_round
    assert bye in second_round


def test_a_context_without_responses_is_refused():
    with pytest.raises(ValueError, match="context 1 has no responses"):
        tournament(["c", "d"], [["1"], []], ByNumber())


def test_every_match_ends_a_smaller_tournament():
    answers = [str(number) for number in range(16)]
    (bracket,) = tournament(["c"], [answers], ByNumber())
    assert sorted(bracket.winners_of(1)) == list(range(16)) and bracket.winners_of(16) == [15]
    assert [len(bracket.winners_of(size)) for size in (1, 2, 4, 8, 16)] == [16, 8, 4, 2, 1]
    pairs = [bracket.entrants[place : place + 2] for place in range(0, 16, 2)]
    assert bracket.winners_of(2) == [max(pair) for pair in pairs]
    assert bracket.winners_of(3) == []


@given(ANSWERS)
def test_the_smaller_tournaments_of_a_bracket_with_byes_are_tournaments(answers):
    (bracket,) = tournament(["c"], [answers], ByNumber())
    assert sum(len(bracket.winners_of(size)) for size in range(1, len(answers) + 1)) == 2 * len(answers) - 1
    assert bracket.winners_of(len(answers)) == [bracket.winner]


def test_a_tournament_in_which_nothing_could_be_judged_says_why():
    class Half:
        def compare(self, pairs: Sequence[Pair]) -> list[Verdict]:
            return [Verdict(None, None, None, reason="too long") if "?" in p.a + p.b else Verdict("a", 1.0, 0.0) for p in pairs]

    unjudged, judged, alone = tournament(["c"] * 3, [["?", "?1", "?2"], ["1", "2", "3", "?"], ["?"]], Half())
    assert unjudged.reason == "too long"
    assert alone.reason is None and alone.winner == 0
    assert judged.reason is None and [match.verdict.reason for match in judged.matches].count("too long") >= 1
