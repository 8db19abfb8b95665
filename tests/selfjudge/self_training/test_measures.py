import dataclasses

import pytest

from selfj.selfjudge.self_training.measures import pair_figures, probe_figures, repetition
from selfj.selfjudge.self_training.rows import JudgedPair, Probe

PAIR = JudgedPair("i", 0, "a", "b", [1], [5, 6, 7, 8], [5, 6], 0.7, 0.3, False, "a", None, None, 0.9, 0.1)
PROBE = Probe("i", "x", [1], [1, 2, 3, 4], "stop", 0.8, 0.5, 0.6, 0.4, "policy", None)


def _pair(**changes) -> JudgedPair:
    return dataclasses.replace(PAIR, **changes)


def _probe(**changes) -> Probe:
    return dataclasses.replace(PROBE, **changes)


@pytest.mark.parametrize(
    ("ids", "share"), [([1, 2, 3], 0.0), ([1, 2, 3, 4], 0.0), ([1, 1, 1, 1, 1], 0.5), ([1, 2, 3, 4] * 2, 0.2), ([], 0.0)]
)
def test_repetition_is_the_share_of_4_grams_that_were_there_before(ids, share):
    assert repetition(ids) == pytest.approx(share)


def test_the_figures_of_pairs_count_every_pair_once():
    tie = _pair(preferred=None, left_out="tie", flips=True)
    same = _pair(preferred=None, left_out="identical", flips=None, grade_a=0.2, grade_b=0.2)
    found = pair_figures([PAIR, tie, same])
    assert (found.prompts, found.pairs, found.left_out) == (3, 1, {"tie": 1, "identical": 1})
    assert found.flip_rate == 0.5
    assert found.grade == pytest.approx((0.9 + 0.1) / 3 + 0.4 / 6)
    assert found.tokens == 3


def test_agreement_is_told_on_pairs_with_a_better_answer():
    wrong = _pair(preferred="b")
    assert pair_figures([PAIR, PAIR, wrong, _pair(grade_a=0.1)]).agreement == pytest.approx(2 / 3)
    assert pair_figures([_pair(grade_a=None)]).agreement is None


def test_a_tie_is_half_a_win():
    won, lost, tied = PROBE, _probe(preferred="start", grade=0.1), _probe(preferred=None, grade=0.5)
    found = probe_figures([won, lost, tied, tied])
    assert found.win_rate == 0.5 and found.ties == 2
    assert found.grade_win_rate == pytest.approx((1 + 0 + 0.5 + 0.5) / 4)


def test_what_was_not_judged_or_graded_is_in_no_mean():
    found = probe_figures([PROBE, _probe(preferred=None, reason="too long", score=None, grade=None)])
    assert (found.win_rate, found.unjudged, found.ties) == (1.0, 1, 0)
    assert (found.grade, found.start_grade) == (0.8, 0.5)
    nothing = probe_figures([_probe(reason="too long", preferred=None, grade=None, finish_reason="length")])
    assert nothing.win_rate is None and nothing.grade is None and nothing.finished == 0
