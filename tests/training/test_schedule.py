"""The learning rate of each step."""

import pytest

from selfj.training.schedule import Schedule, warmup_steps


def test_the_warm_up_rises_to_the_peak():
    schedule = Schedule(peak=1.0, kind="constant", warmup=4, steps=100)
    assert [schedule.rate(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


@pytest.mark.parametrize(("kind", "halfway", "last"), [("constant", 1.0, 1.0), ("linear", 0.5, 0.01), ("cosine", 0.5, 0.000247)])
def test_the_rate_after_the_warm_up(kind, halfway, last):
    schedule = Schedule(peak=1.0, kind=kind, warmup=0, steps=100)
    assert schedule.rate(0) == 1.0
    assert schedule.rate(50) == pytest.approx(halfway)
    assert schedule.rate(99) == pytest.approx(last, rel=1e-2)


def test_a_run_of_one_step_trains_at_its_peak():
    assert Schedule(peak=1.0, kind="linear", warmup=warmup_steps(100, 1), steps=1).rate(0) == 1.0


def test_the_warm_up_takes_at_most_a_tenth_of_the_steps():
    assert warmup_steps(100, 125) == 12
    assert warmup_steps(100, 5000) == 100
