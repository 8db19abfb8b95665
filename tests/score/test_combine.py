"""Quality and label from two signals."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from selfj.config import ScoreSettings
from selfj.errors import DataError
from selfj.score.combine import Combination, Distribution, Signals


@dataclass
class Parts:
    """Signals in several parts."""

    parts: list[Signals]

    def each(self) -> Iterable[Signals]:
        return self.parts


def drawn(rows: int = 4000, seed: int = 0) -> Signals:
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=rows)
    return Signals(
        np.clip(4.5 + 2 * truth + generator.normal(size=rows), 0, 9),
        np.clip(0.3 * truth + 0.2 * generator.normal(size=rows), -1, 1),
    )


def fitted(signals: Signals, **changes: object) -> Combination:
    return Combination.fit(ScoreSettings(**changes), Parts([signals]))  # type: ignore[arg-type]


@pytest.mark.parametrize("combination", ["zscore", "rank", "minmax"])
def test_quality_lies_between_0_and_1_and_rises_with_each_signal(combination: str) -> None:
    fit = fitted(drawn(), combination=combination)
    rising = np.linspace(0.5, 8.5, 30)
    by_rating = fit.quality(Signals(rising, np.zeros(30)))
    by_similarity = fit.quality(Signals(np.full(30, 4.5), np.linspace(-0.6, 0.6, 30)))
    for quality in (by_rating, by_similarity):
        assert (quality >= 0).all() and (quality <= 1).all() and (np.diff(quality) >= 0).all() and quality[0] < quality[-1]


@pytest.mark.parametrize("combination", ["zscore", "rank", "minmax"])
def test_quantile_cuts_give_ten_labels_of_equal_count(combination: str) -> None:
    signals = drawn()
    fit = fitted(signals, combination=combination)
    counts = np.bincount(fit.label(fit.quality(signals)), minlength=10)
    assert len(counts) == 10 and (abs(counts - 400) < 20).all()


def test_width_cuts_give_labels_of_equal_width_in_quality() -> None:
    signals = drawn()
    fit = fitted(signals, cuts="width")
    assert np.diff(fit.cut_points) == pytest.approx(np.diff(fit.cut_points)[0])


def test_zscores_are_the_textbook_ones() -> None:
    signals = drawn()
    expected = stats.norm.cdf((stats.zscore(signals.self_evaluation) + stats.zscore(signals.similarity)) / 2)
    assert fitted(signals).quality(signals) == pytest.approx(expected, abs=1e-9)


def test_ranks_are_those_of_scipy_up_to_the_width_of_a_bin() -> None:
    signals = drawn()
    ranks = [(stats.rankdata(x) - 0.5) / len(x) for x in (signals.self_evaluation, signals.similarity)]
    assert fitted(signals, combination="rank").quality(signals) == pytest.approx(np.mean(ranks, axis=0), abs=2e-3)


def test_fitting_part_by_part_is_fitting_at_once() -> None:
    signals = drawn()
    halves = [Signals(signals.self_evaluation[i::2], signals.similarity[i::2]) for i in range(2)]
    once, by_parts = fitted(signals), Combination.fit(ScoreSettings(), Parts(halves))
    assert by_parts.quality(signals) == pytest.approx(once.quality(signals), abs=1e-9)
    assert by_parts.cut_points == once.cut_points


def test_a_missing_signal_leaves_the_quality_null_unless_it_has_no_weight() -> None:
    fit = fitted(drawn())
    assert np.isnan(fit.quality(Signals(np.array([np.nan, 5.0]), np.array([0.1, np.nan])))).all()
    alone = fitted(drawn(), self_evaluation_weight=0.0)
    assert np.isfinite(alone.quality(Signals(np.array([np.nan]), np.array([0.1])))).all()


def test_similarity_only_labels_follow_similarity_alone() -> None:
    signals = drawn()
    fit = fitted(signals, self_evaluation_weight=0.0, combination="minmax")
    assert stats.spearmanr(fit.quality(signals), signals.similarity).statistic == pytest.approx(1.0)


def test_no_scored_answer_at_all_is_an_error_that_says_where_to_look() -> None:
    nothing = Signals(np.array([np.nan]), np.array([np.nan]))
    with pytest.raises(DataError, match="see the reasons"):
        fitted(nothing)


def test_constant_signals_do_not_divide_by_zero() -> None:
    constant = Signals(np.full(5, 3.0), np.full(5, 0.2))
    for combination in ("zscore", "rank", "minmax"):
        assert np.isfinite(fitted(constant, combination=combination).quality(constant)).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-1, 1), max_size=20), max_size=5))
def test_moments_do_not_depend_on_how_the_values_came(parts: list[list[float]]) -> None:
    distribution = Distribution(-1.0, 1.0)
    for part in parts:
        distribution.add(np.array(part))
    values = np.array([value for part in parts for value in part])
    assert distribution.count == len(values)
    if len(values):
        assert distribution.mean == pytest.approx(values.mean(), abs=1e-9)
        assert distribution.deviation == pytest.approx(values.std(), abs=1e-9)
        assert distribution.histogram.sum() == len(values)
