import itertools

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from selfj.evaluate.metrics import measures, weighted
from selfj.evaluate.metrics.measures import (
    as_gold,
    good_threshold,
    loss_in_words,
    losses,
    risk_at_coverages,
    risk_coverage_curve,
    scale_of,
    within_groups,
)


def drawn(rows, seed, decimals=None):
    """Scores and gold that go together somewhat; rounded, they have ties."""
    generator = np.random.default_rng(seed)
    gold = generator.random(rows)
    scores = gold + generator.normal(size=rows)
    return (scores, gold) if decimals is None else (scores.round(decimals), gold.round(decimals))


def orders_of_ties(scores):
    """Every order of the rows in which no lower score comes before a higher one."""
    return [order for order in itertools.permutations(range(len(scores))) if all(np.diff(scores[list(order)]) <= 0)]


def area(values):
    """Mean over k of the mean of the first k values."""
    return np.mean([np.mean(values[:k]) for k in range(1, len(values) + 1)])


def rejection_ratio(order, gold, max_rejection=1.0):
    """Prediction rejection ratio of one order, by its definition: mean gold left, against a random and the best order."""
    rows = len(gold)
    kept = range(rows - int(max_rejection * rows) + 1, rows + 1)

    def left(values):
        return np.mean([np.mean(values[:k]) for k in kept])

    best, random = left(np.sort(gold)[::-1]), np.mean(gold)
    return (left(gold[list(order)]) - random) / (best - random)


@pytest.mark.parametrize("decimals", [None, 1, 0])
@pytest.mark.parametrize("seed", range(3))
def test_correlations_and_auroc_agree_with_scipy_and_scikit_learn(decimals, seed):
    scores, gold = drawn(500, seed, decimals)
    assert measures.pearson(scores, gold).value == pytest.approx(scipy.stats.pearsonr(scores, gold).statistic, abs=1e-12)
    assert measures.spearman(scores, gold).value == pytest.approx(scipy.stats.spearmanr(scores, gold).statistic, abs=1e-12)
    assert measures.auroc(scores, gold, 0.6).value == pytest.approx(sklearn.metrics.roc_auc_score(gold >= 0.6, scores), abs=1e-12)


@pytest.mark.parametrize(
    "scores", [[3, 3, 3, 3, 3, 3], [1, 2, 2, 2, 0, 0], [1, 1, 2, 2, 3, 3], [6, 5, 4, 3, 2, 1], [0, 0, 0, 0, 0, 1]]
)
@pytest.mark.parametrize("max_rejection", [1.0, 0.5])
def test_ties_count_as_the_mean_over_all_their_orders(scores, max_rejection):
    scores, gold = np.array(scores, dtype=float), np.array([0.1, 0.9, 0.3, 0.3, 1.0, 0.0])
    orders = orders_of_ties(scores)
    loss = 1 - gold
    assert measures.aurc(scores, gold).value == pytest.approx(np.mean([area(loss[list(order)]) for order in orders]), abs=1e-12)
    ratios = [rejection_ratio(order, gold, max_rejection) for order in orders]
    assert measures.prr(scores, gold, max_rejection).value == pytest.approx(np.mean(ratios), abs=1e-12)
    risks = [np.cumsum(loss[list(order)]) / np.arange(1, 7) for order in orders]
    assert risk_coverage_curve(scores, loss).risk == pytest.approx(np.mean(risks, axis=0), abs=1e-12)


def test_the_order_of_the_rows_does_not_matter_for_integer_scores():
    scores, gold = drawn(2000, 0, 0)
    shuffled = np.random.default_rng(1).permutation(2000)
    for metric in (measures.prr, measures.aurc, measures.excess_aurc, measures.spearman):
        assert metric(scores, gold).value == pytest.approx(metric(scores[shuffled], gold[shuffled]).value, abs=1e-12)


def test_without_ties_prr_and_aurc_follow_their_definitions():
    scores, gold = drawn(300, 5)
    order = np.argsort(-scores)
    assert measures.prr(scores, gold).value == pytest.approx(rejection_ratio(order, gold), abs=1e-12)
    assert measures.prr(scores, gold, 0.5).value == pytest.approx(rejection_ratio(order, gold, 0.5), abs=1e-12)
    assert measures.aurc(scores, gold).value == pytest.approx(area((1 - gold)[order]), abs=1e-12)


def test_the_best_order_has_prr_one_and_no_excess_and_a_constant_score_has_prr_zero():
    _, gold = drawn(100, 2, 1)
    assert measures.prr(gold, gold).value == pytest.approx(1)
    assert measures.excess_aurc(gold, gold).value == pytest.approx(0, abs=1e-12)
    assert measures.prr(np.ones(100), gold).value == pytest.approx(0, abs=1e-12)
    assert measures.auroc(np.ones(100), gold, 0.5).value == 0.5


def test_shuffled_scores_are_seen_as_worthless():
    scores, gold = drawn(20_000, 3)
    shuffled = np.random.default_rng(0).permutation(scores)
    assert abs(measures.pearson(shuffled, gold).value) < 0.03
    assert measures.auroc(shuffled, gold, 0.5).value == pytest.approx(0.5, abs=0.02)
    assert abs(measures.prr(shuffled, gold).value) < 0.04


@pytest.mark.parametrize(
    ("metric", "scores", "gold", "reason"),
    [
        (measures.pearson, [1, 1, 1, 1], [0, 1, 0, 1], "all scores are the same"),
        (measures.pearson, [0.1 + 0.2, 0.3, 0.3, 0.3], [0, 1, 0, 1], "all scores are the same"),
        (measures.spearman, [1, 2, 3, 4], [1, 1, 1, 1], "all gold is the same"),
        (measures.prr, [1, 2, 3, 4], [1, 1, 1, 1], "all gold is the same"),
        (measures.pearson, [1, 2], [0, 1], "only 2 rows have both a score and gold"),
        (lambda s, g: measures.auroc(s, g, 0.0), [1, 2, 3], [0, 1, 1], "all rows are good"),
        (lambda s, g: measures.auroc(s, g, 2.0), [1, 2, 3], [0, 1, 1], "no row is good"),
    ],
)
def test_what_is_undefined_is_none_with_a_reason(metric, scores, gold, reason):
    measured = metric(np.array(scores, dtype=float), np.array(gold, dtype=float))
    assert measured.value is None
    assert measured.reason == reason


def test_nan_is_refused_rather_than_counted():
    with pytest.raises(ValueError, match="finite"):
        measures.pearson(np.array([1.0, np.nan, 2.0]), np.array([0.0, 1.0, 1.0]))


def test_loss_is_one_minus_gold_within_0_and_1_and_scaled_otherwise():
    assert losses(np.array([0.2, 0.5])) == pytest.approx([0.8, 0.5])
    assert losses(np.array([1.0, 5.0, 3.0])) == pytest.approx([1.0, 0.0, 0.5])
    assert losses(np.array([7.0, 7.0])) == pytest.approx([0.0, 0.0])


def test_on_a_named_scale_losses_of_two_runs_can_be_compared():
    one, other = np.array([2.0, 5.0]), np.array([5.0, 9.0])
    assert losses(one)[1] == 0 and losses(other)[0] == 1
    assert losses(one, (1, 10))[1] == losses(other, (1, 10))[0] == pytest.approx(5 / 9)
    assert loss_in_words((1, 10)) == "(10 - gold) / 9" and loss_in_words(scale_of(np.array([0.2, 1]))) == "1 - gold"


@pytest.mark.parametrize(
    ("gold", "threshold"), [([1, 2, 3, 4, 5], 3.0), ([0, 0, 0, 1], 1.0), ([0, 1, 1, 1], 1.0), ([2, 2], None)]
)
def test_the_default_threshold_leaves_both_good_and_poor_answers(gold, threshold):
    assert good_threshold(np.array(gold, dtype=float)) == threshold


def test_risk_at_coverages_reads_the_curve_where_at_least_that_share_is_answered():
    loss = np.array([0.0, 0.0, 1.0, 1.0])
    risks = risk_at_coverages(np.array([4.0, 3.0, 2.0, 1.0]), loss, (1.0, 0.6, 0.5, 0.1))
    assert risks == {1.0: 0.5, 0.6: pytest.approx(1 / 3), 0.5: 0.0, 0.1: 0.0}


def test_correlation_within_families_is_the_mean_of_theirs_weighted_by_rows():
    scores, gold = drawn(90, 0)
    families = np.repeat([0, 1, 2], [20, 60, 10])
    scores[families == 2] = 1.0
    value, count = within_groups(scores, as_gold(gold, 0.5), families)
    first, second = (scipy.stats.pearsonr(scores[families == f], gold[families == f]).statistic for f in (0, 1))
    assert count == 2
    assert value.value == pytest.approx((20 * first + 60 * second) / 80)


def test_a_weighted_metric_equals_the_metric_of_the_rows_repeated():
    scores, gold = drawn(60, 4, 1)
    weights = np.random.default_rng(0).poisson(1, size=(5, 60)).astype(float)
    everything = as_gold(gold, 0.5)
    for name, metric in measures.METRICS.items():
        together = metric.kernel(scores, everything, weights)
        for value, row in zip(together, weights, strict=True):
            repeated = np.repeat(np.arange(60), row.astype(int))
            alone = metric.kernel(scores[repeated], everything.of(repeated), np.ones((1, len(repeated))))[0]
            assert value == pytest.approx(alone, abs=1e-10), name


def test_a_resample_without_variation_is_undefined_and_not_zero():
    scores, gold = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.5])
    weights = np.array([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    with np.errstate(invalid="ignore"):
        assert np.isnan(weighted.pearson(scores, gold, weights)).tolist() == [True, False]
        assert np.isnan(weighted.spearman(scores, gold, weights)).tolist() == [True, False]
        assert np.isnan(weighted.auroc(scores, gold > 0.4, weights)).tolist() == [True, False]
