import pytest

from selfj.selfjudge.self_training.settings import StopSettings
from selfj.selfjudge.self_training.watch import Diverged, check_divergence, check_lengths, check_verdicts

STOP = StopSettings(max_kl=10, max_growth=2, tied_rounds=2)


def test_a_policy_within_its_bounds_goes_on():
    check_divergence(10.0, STOP)
    check_divergence(None, STOP)
    check_lengths(40, 20, STOP)
    check_verdicts([0, 0, 1, 0], STOP)
    check_verdicts([0], STOP)


def test_too_far_from_the_start_says_how_far():
    with pytest.raises(Diverged, match=r"KL divergence from the start is 10\.1 nats .* stop\.max_kl 10; lower learning_rate"):
        check_divergence(10.1, STOP)


def test_answers_that_run_away_in_length_are_told_with_both_lengths():
    with pytest.raises(Diverged, match=r"have 41 tokens on average and the start's had 20"):
        check_lengths(41, 20, STOP)


def test_rounds_without_a_verdict_are_only_borne_so_long():
    with pytest.raises(Diverged, match="no pair of the last 2 rounds"):
        check_verdicts([3, 0, 0], STOP)
