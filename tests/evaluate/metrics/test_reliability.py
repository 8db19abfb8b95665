import numpy as np
import pytest

from selfj.evaluate.metrics.bootstrap import Resamples
from selfj.evaluate.metrics.measures import Draws
from selfj.evaluate.metrics.reliability import calibration, calibration_error, on_unit_scale, reliability


def outcomes(rows, seed, chance=lambda score: score):
    """Scores, and gold that is 1 with the chance that the score stands for."""
    generator = np.random.default_rng(seed)
    scores = generator.random(rows)
    return scores, (generator.random(rows) < chance(scores)).astype(float)


def by_definition(scores, gold, bins):
    """Expected calibration error, row by row."""
    rows = len(scores)
    places = [(np.sum(scores < score) + np.sum(scores == score) / 2) * bins / rows for score in scores]
    bin_of_row = np.minimum(np.floor(places), bins - 1)
    parts = [bin_of_row == number for number in np.unique(bin_of_row)]
    return sum(part.sum() / rows * abs(scores[part].mean() - gold[part].mean()) for part in parts)


@pytest.mark.parametrize("decimals", [8, 1, 0])
@pytest.mark.parametrize("rows", [3, 8, 101, 500])
def test_the_calibration_error_is_what_its_definition_says(decimals, rows):
    scores, gold = outcomes(rows, 0)
    scores = scores.round(decimals)
    for bins in (1, 10, 15):
        assert calibration_error(scores, gold, bins=bins).value == pytest.approx(by_definition(scores, gold, bins), abs=1e-12)


def test_without_ties_bins_are_as_equal_as_they_can_be():
    scores, gold = outcomes(1003, 0)
    assert {bar.rows for bar in reliability(scores, gold)} == {100, 101}


def test_tied_rows_share_one_bin():
    scores = np.array([0.0] * 7 + [0.5] * 2 + [1.0])
    gold = np.array([0.0] * 7 + [1.0, 0.0] + [1.0])
    bars = reliability(scores, gold, bins=4)
    assert [(bar.rows, bar.score, bar.gold) for bar in bars] == [(7, 0.0, 0.0), (3, pytest.approx(2 / 3), pytest.approx(2 / 3))]


def test_the_bars_add_up_to_the_error():
    scores, gold = outcomes(700, 1, np.square)
    bars = reliability(scores, gold)
    total = sum(bar.rows * abs(bar.score - bar.gold) for bar in bars) / 700
    assert total == pytest.approx(calibration_error(scores, gold).value)


def test_honest_scores_have_no_error_and_boastful_ones_what_they_boast():
    scores, gold = outcomes(200_000, 0)
    assert calibration_error(scores, gold).value < 0.01
    boast, gold = outcomes(200_000, 0, lambda score: score / 2)
    assert calibration_error(boast, gold).value == pytest.approx(0.25, abs=0.01)
    assert calibration_error(np.full(1000, 0.7), np.repeat([0.0, 1.0], 500)).value == pytest.approx(0.2)


@pytest.mark.parametrize(("chance", "truth"), [(lambda score: score, 0.0), (lambda score: 0.25 + score / 2, 0.125)])
def test_the_interval_holds_the_truth_as_often_as_it_says(chance, truth):
    held = 0
    for seed in range(60):
        scores, gold = outcomes(600, seed, chance)
        found = calibration_error(scores, gold, Draws(Resamples(600, 100, 0), np.arange(600)))
        assert found.low <= found.value <= found.high < 0.3
        held += found.low <= truth <= found.high
    assert held >= 0.9 * 60


def levels(rows, seed, honesty):
    """Three levels of score, and gold that is 1 with the score's chance, drawn towards a half the less honest it is."""
    generator = np.random.default_rng(seed)
    scores = generator.choice([0.0, 0.5, 1.0], size=rows, p=[0.1, 0.3, 0.6])
    return scores, (generator.random(rows) < honesty * scores + (1 - honesty) / 2).astype(float)


def test_few_levels_of_score_make_no_wide_interval():
    held, truth = 0, 0.4 * 0.7 / 2
    for seed in range(40):
        found = calibration_error(*levels(1000, seed, 0.6), Draws(Resamples(1000, 150, 0), np.arange(1000)))
        assert found.high - found.low < 0.11
        held += found.low <= truth <= found.high
    assert held >= 0.9 * 40


@pytest.mark.parametrize(("draw", "truth"), [(outcomes, 0.0), (lambda rows, seed: levels(rows, seed, 0.9), 0.035)])
def test_less_chance_the_error_is_nearer_the_truth_on_average(draw, truth):
    draws = Draws(Resamples(300, 100, 0), np.arange(300))
    found = [calibration(*draw(300, seed), draws) for seed in range(40)]
    raw, less = np.mean([(one.error.value, one.debiased) for one in found], axis=0)
    assert truth < less < raw and less - truth < 0.75 * (raw - truth)


def test_each_bar_has_an_interval_around_its_gold():
    scores, gold = outcomes(500, 0)
    for bar in reliability(scores, gold, Draws(Resamples(500, 200, 0), np.arange(500))):
        assert bar.gold_low < bar.gold < bar.gold_high
        assert bar.gold_high - bar.gold_low == pytest.approx(4 * np.sqrt(bar.gold * (1 - bar.gold) / bar.rows), rel=0.35)


def test_a_known_scale_is_brought_to_0_and_1():
    assert on_unit_scale(np.array([0.0, 4.5, 9.0, np.nan]), 0, 9) == pytest.approx([0, 0.5, 1, np.nan], nan_ok=True)
    with pytest.raises(ValueError, match=r"scores of 0 to 10 are not on the scale 0 to 9"):
        on_unit_scale(np.array([0.0, 10.0, np.nan]), 0, 9)


@pytest.mark.parametrize(
    ("scores", "gold", "reason"),
    [
        ([0.1, 0.2], [0, 1], "only 2 rows have both a score and gold"),
        ([0.1, 2.0, 0.3], [0, 1, 1], "scores of 0.1 to 2 are not within 0 to 1"),
        ([0.1, 0.2, 0.3], [1, 5, 3], "gold of 1 to 5 are not within 0 to 1"),
        ([0.1, np.nan, 0.3], [1, 0, 1], "scores of nan to nan are not within 0 to 1"),
    ],
)
def test_scores_on_no_known_scale_have_no_calibration_error(scores, gold, reason):
    scores, gold = np.array(scores, dtype=float), np.array(gold, dtype=float)
    found = calibration_error(scores, gold)
    assert (found.value, found.reason) == (None, reason)
    assert reliability(scores, gold) == []
