"""The comparison over seeds."""

import json

import numpy as np
import pytest

from selfj.run import RunFolder
from selfj.study.selfjudge.results import Values, read_seed
from selfj.study.selfjudge.table import selfjudge_metrics
from tests.study.selfjudge.worlds import GRADES, PROMPTS, write_arm, write_seed


@pytest.fixture(scope="module")
def metrics(tmp_path_factory):
    study = tmp_path_factory.mktemp("study")
    results = [read_seed(write_seed(study, seed), seed) for seed in (1, 2, 3)]
    return selfjudge_metrics(results, resamples=200)


def test_all_of_it_is_json(metrics):
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_the_judge_is_measured_on_judged_pairs_and_apart_on_those_with_a_clear_difference(metrics):
    judge = metrics["judge"]
    assert (judge["accuracy"]["rows"], judge["clear_accuracy"]["rows"]) == (3 * PROMPTS, 3 * PROMPTS // 2)
    assert judge["flip_rate"]["value"] == pytest.approx(0.1) and judge["ties"]["value"] == 0
    assert judge["accuracy"]["low"] < judge["accuracy"]["value"] < judge["accuracy"]["high"]
    assert judge["accuracy"]["value"] == pytest.approx(np.mean(list(judge["accuracy"]["by_seed"].values())), abs=1e-6)


def test_what_judge_examples_cost_the_answers_is_told_for_every_seed(metrics):
    assert metrics["judge_in_training"]["lm_loss"] == {"start": dict.fromkeys("123", 0.9), "sft": dict.fromkeys("123", 0.9)}


def test_policies_stand_in_the_papers_order_with_their_mean_over_the_seeds(metrics):
    assert list(metrics["mean_grade"]) == ["sft", "start", "offline", "off_policy", "on_policy", "moving_judge"]
    assert metrics["mean_grade"]["start"]["value"] == pytest.approx(0.5, abs=0.04)
    assert metrics["mean_grade"]["on_policy"]["value"] == pytest.approx(GRADES["on_policy"], abs=0.05)
    assert metrics["mean_grade"]["sft"]["rows"] == 3 * 2 * PROMPTS, "all of its answers"


def test_differences_are_paired(metrics):
    gain = metrics["above_start"]["on_policy"]
    policies = metrics["mean_grade"]
    assert gain["value"] == pytest.approx(policies["on_policy"]["value"] - policies["start"]["value"], abs=2e-6)
    widths = [one["high"] - one["low"] for one in (gain, policies["on_policy"])]
    assert widths[0] < widths[1] * np.sqrt(2), "an arm's answers and the start's are to the same prompts"
    assert gain["low"] > 0 and gain["holds_in"] == 3 and "start" not in metrics["above_start"]


def test_the_expected_orders_are_those_of_the_paper(metrics):
    orders = [(one["better"], one["worse"]) for one in metrics["differences"]]
    assert ("on_policy", "off_policy") in orders and ("off_policy", "offline") in orders and ("on_policy", "start") in orders


def test_win_rates_count_ties_half(metrics):
    assert metrics["win_rate"]["on_policy"]["value"] == pytest.approx(0.5)


def test_a_learning_curve_has_mean_and_range_of_every_figure(metrics):
    curve = metrics["curves"]["on_policy"]
    assert [point["step"] for point in curve] == [0, 10, 20, 30] and curve[0]["seeds"] == 3
    assert curve[2]["grade"] == pytest.approx([0.56] * 3) and curve[3]["kl"] == pytest.approx([6.0] * 3)


def test_tournaments_of_all_sizes_cost_one_match_fewer_than_answers(metrics):
    held = metrics["tournament"]
    assert list(held["by_size"]) == ["1", "2", "4", "8"] and held["matches"] == held["responses"] - held["contests"]
    grades = [point["grade"]["value"] for point in held["by_size"].values()]
    assert grades == sorted(grades) and held["by_size"]["8"]["gain"]["low"] > 0
    assert held["by_size"]["1"]["gain"]["value"] == 0


def test_what_a_run_lacks_is_told_and_the_rest_is_there(tmp_path):
    folder = write_seed(tmp_path, 1, {"on_policy": 0.6}, sft=False)
    write_arm(RunFolder(folder), 1, "off_policy", [0.5] * PROMPTS, [0.5] * PROMPTS, status="stopped")
    RunFolder(folder).store.write("tournament/tournament.json", b"{broken")
    found = read_seed(folder, 1, {"offline": "no pairs"})
    assert found.problems["offline"] == "no pairs" and "KL divergence" in found.problems["off_policy"]
    assert "tournament" in found.problems
    metrics = selfjudge_metrics([found], resamples=50)
    assert "sft" not in metrics["mean_grade"] and metrics["tournament"]["by_size"] == {}
    assert metrics["arms"]["off_policy"]["status"] == ["stopped"]
    assert metrics["mean_grade"]["on_policy"]["sd"] is None


def test_a_folder_without_a_run_has_nothing(tmp_path):
    found = read_seed(str(tmp_path / "nothing"), 4)
    assert not found.values and found.card is None
    metrics = selfjudge_metrics([found], resamples=10)
    assert metrics["mean_grade"] == {} and metrics["judge"] == {}


def test_values_that_are_not_known_are_left_out():
    values = Values.of([("a", 1.0), ("b", None), ("c", True)])
    assert values.values.tolist() == [1.0, 1.0] and values.instruction_ids.tolist() == ["a", "c"]
