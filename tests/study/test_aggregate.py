"""The numbers of a study."""

from pathlib import Path

import numpy as np
import pytest

from selfj.evaluate.metrics.coverage import aurc_all_rows
from selfj.evaluate.metrics.length import length_bias
from selfj.evaluate.metrics.measures import Gold, as_gold, measure, risk_at_coverages, within_groups
from selfj.evaluate.metrics.reliability import calibration_error, on_unit_scale
from selfj.study.aggregate import study_metrics
from selfj.study.asking import ask_all
from selfj.study.results import Result, read_results
from tests.study.worlds import SCALE, Finished, curve, write_finished


def results(folder: Path, *worlds: Finished) -> list[Result]:
    found = []
    for world in worlds:
        run = write_finished(f"{folder}/{world.policy}-seed{world.seed}", world)
        found += read_results(run.address)
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """Two policies, three seeds; of one policy the last seed is missing."""
    extra = {"judge_without_coding": 1.4, "judge_of_b": 1.0, "gpt": 0.2}
    one = [Finished(seed=seed, policy="a", instructions=90, extra=extra, best_of_n=curve(0.2)) for seed in (1, 2, 3)]
    two = [Finished(seed=seed, policy="b", instructions=90, nulls=5) for seed in (1, 2)]
    return results(tmp_path_factory.mktemp("runs"), *one, *two)


@pytest.fixture(scope="module")
def metrics(runs: list[Result]) -> dict:
    return study_metrics(ask_all(runs, 300, 0), [1, 2, 3], 300)


def alone(result: Result, method: str, statistic: str = "pearson") -> float:
    rows = result.rows(method)
    found = measure(statistic, result.scores[method][rows], as_gold(result.gold[rows], result.good))
    assert found.value is not None
    return found.value


@pytest.mark.parametrize("statistic", ["pearson", "spearman", "auroc", "prr", "aurc", "excess_aurc"])
def test_a_policys_value_is_the_mean_of_its_runs_own(runs: list[Result], metrics: dict, statistic: str) -> None:
    for policy in ("a", "b"):
        own = [alone(result, "judge", statistic) for result in runs if result.policy == policy]
        assert metrics["policies"][policy]["methods"]["judge"][statistic] == pytest.approx(np.mean(own), abs=1e-5)


def test_the_mean_weighs_policies_alike_however_many_runs_they_have(metrics: dict) -> None:
    values = [metrics["policies"][policy]["methods"]["vro"]["pearson"] for policy in ("a", "b")]
    entry = metrics["mean"]["vro"]
    assert entry["pearson"] == pytest.approx(np.mean(values), abs=1e-5)
    assert entry["low"] < entry["pearson"] < entry["high"] and (entry["runs"], entry["runs_in_all"]) == (5, 5)


def test_within_a_family_is_what_a_runs_own_report_says(runs: list[Result], metrics: dict) -> None:
    own = []
    for result in (result for result in runs if result.policy == "a"):
        rows = result.rows("cosine")
        _, families = np.unique(result.families[rows], return_inverse=True)
        own.append(within_groups(result.scores["cosine"][rows], as_gold(result.gold[rows], 0.5), families)[0].value)
    assert metrics["policies"]["a"]["methods"]["cosine"]["within_family"]["pearson"] == pytest.approx(np.mean(own), abs=1e-5)


def of_policy(runs: list[Result], policy: str) -> list[tuple[Result, Gold, np.ndarray]]:
    """Each run of a policy with its gold and whether the judge scored the row."""
    own = [result for result in runs if result.policy == policy]
    return [(result, as_gold(result.gold, result.good), result.rows("judge")) for result in own]


def test_what_a_method_left_unscored_counts_as_declined_in_the_risk_of_all_answers(runs: list[Result], metrics: dict) -> None:
    entry = metrics["policies"]["b"]["methods"]["judge"]
    own = [aurc_all_rows(result.scores["judge"], gold).value for result, gold, _ in of_policy(runs, "b")]
    assert entry["aurc_all_rows"] == pytest.approx(np.mean(own), abs=1e-5) != pytest.approx(entry["aurc"], abs=1e-5)
    assert entry["aurc_all_rows_low"] < entry["aurc_all_rows"] < entry["aurc_all_rows_high"]


def test_risk_calibration_and_length_are_means_of_the_runs_own(runs: list[Result], metrics: dict) -> None:
    risks, errors, partial = [], [], []
    for result, gold, rows in of_policy(runs, "b"):
        scores, known = result.scores["judge"][rows], gold.of(rows)
        risks.append(list(risk_at_coverages(scores, known.loss).values()))
        errors.append(calibration_error(on_unit_scale(scores, *SCALE), known.values).value)
        partial.append(length_bias(scores, known.values, result.lengths[rows, 0].astype(float))["partial"])
    entry = metrics["policies"]["b"]["methods"]["judge"]
    assert list(entry["risk_at_coverage"].values()) == pytest.approx(np.mean(risks, axis=0), abs=1e-5)
    assert entry["calibration_error"] == pytest.approx(np.mean(errors), abs=1e-5)
    assert 0 <= entry["calibration_error_debiased"] < entry["calibration_error"]
    assert entry["length"]["partial"] == pytest.approx(np.mean(partial), abs=1e-5)
    assert entry["length"]["score_length_low"] < 0 < entry["length"]["score_length_high"]
    assert metrics["mean"]["cosine"]["calibration_error"] is None, "similarity is on no known scale"


def test_the_judge_is_compared_with_judges_from_outside_too(metrics: dict) -> None:
    found = {(entry["better"], entry["worse"]): entry for entry in metrics["differences"]}
    entry = found["judge", "gpt"]
    assert not entry["expected"] and entry["difference_high"] < 0 < entry["aurc_difference_low"] and entry["runs"] == 3
    assert ("judge", "judge_of_b") not in found and found["judge", "vro"]["expected"]
    assert found["judge", "vro"]["aurc_difference_high"] < 0


def test_losses_of_runs_with_other_gold_are_on_one_scale(tmp_path: Path) -> None:
    found = results(
        tmp_path, Finished(seed=1, instructions=60, highest_gold=10), Finished(seed=2, instructions=60, highest_gold=5)
    )
    highest = max(result.gold.max() for result in found)
    metrics = study_metrics(ask_all(found, 20, 0), [1, 2], 20)
    assert metrics["gold_scale"][1] == highest and metrics["gold_scale_of_these_runs"]
    own = []
    for result in found:
        rows = result.rows("judge")
        gold = as_gold(result.gold[rows], result.good, tuple(metrics["gold_scale"]))
        own.append(measure("aurc", result.scores["judge"][rows], gold).value)
    assert metrics["mean"]["judge"]["aurc"] == pytest.approx(np.mean(own), abs=1e-5) and own[0] < own[1] - 0.15


def test_the_spread_over_seeds_stands_beside_the_interval(metrics: dict) -> None:
    entry = metrics["policies"]["a"]["methods"]["judge"]
    assert list(entry["pearson_by_seed"]) == ["1", "2", "3"]
    assert entry["pearson_sd"] == pytest.approx(np.std(list(entry["pearson_by_seed"].values()), ddof=1), abs=1e-5)


def test_seeds_are_compared_where_no_policy_is_missing(metrics: dict) -> None:
    """Policy b has no third seed: the mean of that seed would be that of policy a alone."""
    assert list(metrics["mean"]["judge"]["pearson_by_seed"]) == ["1", "2"]
    assert list(metrics["mean"]["gpt"]["pearson_by_seed"]) == ["1", "2", "3"], "only policy a has it"


def test_an_instruction_that_several_runs_asked_is_one(tmp_path: Path) -> None:
    worlds = [Finished(seed=seed, policy=policy, instructions=60, world=seed) for seed in (1, 2) for policy in ("a", "b")]
    metrics = study_metrics(ask_all(results(tmp_path, *worlds), 10, 0), [1, 2], 10)
    held_out = metrics["policies"]["a"]["rows"] // 2
    assert (metrics["instructions"], metrics["rows"]) == (held_out, 4 * held_out)
    assert metrics["policies"]["a"]["instructions"] == held_out


def test_unscored_answers_are_counted(metrics: dict) -> None:
    assert metrics["policies"]["b"]["methods"]["judge"]["unscored"] == 10
    assert metrics["policies"]["b"]["methods"]["cosine"]["unscored"] == 0


def test_the_share_of_gold_that_a_figure_is_about_stands_beside_it(runs: list[Result], metrics: dict) -> None:
    entry = metrics["policies"]["b"]["methods"]["judge"]
    rows = sum(len(result) for result in runs if result.policy == "b")
    assert entry["share_of_gold_scored"] == pytest.approx(1 - 10 / rows, abs=1e-6)
    assert metrics["mean"]["cosine"]["share_of_gold_scored"] == 1


def test_expected_orders_have_paired_intervals_and_the_runs_that_keep_them(metrics: dict) -> None:
    found = {(entry["better"], entry["worse"]): entry for entry in metrics["differences"]}
    entry = found["judge", "judge_no_distillation"]
    mean = metrics["mean"]
    assert entry["difference"] == pytest.approx(mean["judge"]["pearson"] - mean["judge_no_distillation"]["pearson"], abs=0.005)
    assert entry["runs"] == 5 and entry["holds_in"] == 5 and entry["difference_low"] > 0
    unpaired = (mean["judge"]["high"] - mean["judge"]["low"]) + (
        mean["judge_no_distillation"]["high"] - mean["judge_no_distillation"]["low"]
    )
    assert entry["difference_high"] - entry["difference_low"] < unpaired


def test_the_baseline_and_other_judges_are_no_rows_of_the_papers_table(metrics: dict) -> None:
    assert set(metrics["mean"]) == {
        "cosine", "self_eval_reference", "self_eval_plus_cosine", "judge_reference", "ppl", "vro", "self_eval", "judge_cosine",
        "judge_self_eval", "judge_no_distillation", "judge", "gpt",
    }  # fmt: skip
    assert 0 < metrics["mean_baselines"]["task_mean"]["pearson"] < 1


def test_a_judge_of_another_policy_is_compared_with_the_own_one(metrics: dict) -> None:
    (entry,) = metrics["cross"]
    assert (entry["policy"], entry["judge"], entry["runs"]) == ("a", "b", 3)
    assert entry["difference"] == pytest.approx(entry["own"] - entry["pearson"], abs=1e-5)


def test_leaving_a_category_out_is_measured_on_that_category(runs: list[Result], metrics: dict) -> None:
    (entry,) = metrics["left_out"]
    assert entry["category"] == "coding" and entry["difference"] > 0
    own = []
    for result in (result for result in runs if result.policy == "a"):
        coding = result.take(result.categories == "coding")
        own.append(alone(coding, "judge_without_coding"))
    assert entry["without"]["pearson"] == pytest.approx(np.mean(own), abs=1e-5)


def test_a_method_that_a_run_lacks_is_averaged_over_the_others(tmp_path: Path) -> None:
    fewer = tuple(method for method in Finished().methods if method[0] != "vro")
    found = results(tmp_path, Finished(seed=1, instructions=60), Finished(seed=2, instructions=60, methods=fewer))
    entry = study_metrics(ask_all(found, 50, 0), [1, 2], 50)["mean"]["vro"]
    assert (entry["runs"], entry["runs_in_all"]) == (1, 2) and entry["pearson_sd"] is None
    assert entry["pearson"] == pytest.approx(alone(found[0], "vro"), abs=1e-5)


def test_shuffled_scores_are_seen_as_such(tmp_path: Path) -> None:
    """No method gains from seeds being averaged: noise stays at nothing, with an interval around it."""
    blind = tuple((*method[:4], 1e6) for method in Finished().methods)
    found = results(tmp_path, *(Finished(seed=seed, instructions=300, methods=blind) for seed in (1, 2, 3)))
    mean = study_metrics(ask_all(found, 200, 0), [1, 2, 3], 200)["mean"]
    assert all(abs(entry["pearson"]) < 0.08 and abs(entry["auroc"] - 0.5) < 0.05 for entry in mean.values())
    assert sum(entry["low"] <= 0 <= entry["high"] for entry in mean.values()) >= len(mean) - 2
