import json

import numpy as np
import pytest
import scipy.stats

from selfj.errors import DataError, RunFolderError
from selfj.evaluate.evaluation import ORDERS, evaluate_tables
from selfj.evaluate.gold import gold_source
from selfj.evaluate.metrics.measures import as_gold, within_groups
from selfj.evaluate.rows import read_held_out
from selfj.records import Response, from_table, to_table
from selfj.run import RunFolder
from tests.evaluate.synthetic import World, grade, synthetic_settings, write_run

KEYS = {"with_reference", "pearson", "spearman", "auroc", "aurc", "prr", "scored", "unscored"}
NAMES = ["cosine", "self_eval_reference", "self_eval_plus_cosine", "judge_reference", "ppl", "self_eval", "judge"]


@pytest.fixture(scope="module")
def found(finished_run):
    return evaluate_tables(finished_run, synthetic_settings(finished_run))


def test_metrics_json_has_the_promised_structure(found):
    methods = found["policies"]["tiny"]["methods"]
    assert list(methods) == NAMES
    assert all(set(entry) >= KEYS for entry in methods.values())
    assert list(found["steps"]) == ["collect", "sample", "score", "train", "evaluate"]
    assert all({"rows_in", "rows_out", "rejected", "seconds"} <= set(counts) for counts in found["steps"].values())
    assert found["gold"] == "tests.evaluate.synthetic:grade"
    assert found["seed"] == 0
    json.dumps(found, allow_nan=False)


def test_the_numbers_are_those_of_the_test_rows_alone(finished_run, found):
    instructions = finished_run.table("instructions").read_all().to_pylist()
    tests = {row["instruction_id"] for row in instructions if row["split"] == "test"}
    responses = finished_run.table("responses").read_all().to_pylist()
    held_out = [row for row in responses if row["instruction_id"] in tests]
    gold = {row["response_id"]: float(row["response"].rsplit("grade ", 1)[1]) for row in held_out}
    scored = finished_run.table("scored").read_all().to_pylist()
    cosine = [(row["similarity"], gold[row["response_id"]]) for row in scored if row["response_id"] in gold]
    entry = found["policies"]["tiny"]["methods"]["cosine"]
    assert entry["scored"] == entry["rows"] == len(gold)
    assert entry["pearson"] == pytest.approx(scipy.stats.pearsonr(*zip(*cosine, strict=True)).statistic, abs=1e-6)
    assert entry["pearson_low"] < entry["pearson"] < entry["pearson_high"]


def test_unscored_answers_are_counted_with_their_reason_beside_the_scored(found):
    entry = found["policies"]["tiny"]["methods"]["judge"]
    assert entry["unscored"] == 3
    assert entry["unscored_reasons"] == {"prompt longer than the context of 512 tokens": 3}
    assert entry["scored"] + entry["unscored"] == found["policies"]["tiny"]["rows"]


def test_what_is_unscored_counts_in_the_share_of_gold_and_in_the_risk_of_all_rows(found):
    tiny = found["policies"]["tiny"]
    entry = tiny["methods"]["judge"]
    assert entry["share_of_gold_scored"] == pytest.approx(entry["rows"] / tiny["rows_with_gold"], abs=1e-6)
    assert entry["share_of_gold_scored"] < 1
    assert entry["aurc_all_rows"] != entry["aurc"]
    assert entry["aurc_all_rows_low"] <= entry["aurc_all_rows"] <= entry["aurc_all_rows_high"]


def test_the_task_mean_comes_from_the_train_split(finished_run, found):
    held_out = read_held_out(finished_run, gold_source(synthetic_settings(finished_run).evaluate))[0]
    assert len(held_out.train_gold) == 6
    assert sum(count for _, count in held_out.train_gold.values()) < 600 - len(held_out)
    baseline = found["policies"]["tiny"]["baselines"]["task_mean"]
    assert 0 < baseline["pearson"] < found["policies"]["tiny"]["methods"]["judge"]["pearson"]
    assert baseline["within_family"]["pearson"] is None


def test_the_expected_orders_of_rows_that_are_there_come_with_paired_intervals(found):
    differences = found["policies"]["tiny"]["differences"]
    orders = [(entry["better"], entry["worse"]) for entry in differences]
    assert orders == [order for order in ORDERS if {*order} <= {*NAMES, "task_mean"}]
    assert len(orders) == 7
    against_ppl = next(entry for entry in differences if entry["worse"] == "ppl")
    assert 0 < against_ppl["difference_low"] < against_ppl["difference"] < against_ppl["difference_high"]
    assert against_ppl["rows"] == found["policies"]["tiny"]["methods"]["judge"]["scored"]


def test_the_difference_within_families_is_of_the_answers_that_both_scored(finished_run, found):
    """The judge left answers unscored: what each method has by itself is about other answers."""
    (held_out,) = read_held_out(finished_run, gold_source(synthetic_settings(finished_run).evaluate))
    rows = held_out.with_score("judge")
    _, families = np.unique(held_out.families[rows], return_inverse=True)
    both = [within_groups(held_out.scores[name].values[rows], as_gold(held_out.gold[rows], 1), families)[0].value
            for name in ("judge_reference", "judge")]  # fmt: skip
    policy = found["policies"]["tiny"]
    entry = next(one for one in policy["differences"] if (one["better"], one["worse"]) == ("judge_reference", "judge"))
    assert entry["within_family_difference"] == pytest.approx(both[0] - both[1], abs=2e-6)
    own = [policy["methods"][name]["within_family"]["pearson"] for name in ("judge_reference", "judge")]
    assert entry["within_family_difference"] != pytest.approx(own[0] - own[1], abs=2e-6) and rows.sum() < len(held_out)
    assert all(one["within_family_difference"] is None for one in policy["differences"] if one["worse"] == "task_mean")


def test_a_score_that_knows_only_the_family_is_worth_nothing_within_it(found):
    judge = found["policies"]["tiny"]["methods"]["judge"]
    assert judge["within_family"]["families"] == 6
    assert judge["within_family"]["pearson"] < judge["pearson"]


def test_categories_coverages_and_label_free_agreement_are_there(found):
    policy = found["policies"]["tiny"]
    judge = policy["methods"]["judge"]
    assert set(judge["by_category"]) == {"common", "coding", "academic"}
    assert sum(entry["rows"] for entry in judge["by_category"].values()) == judge["rows"]
    assert judge["risk_at_coverage"]["0.5"] < judge["risk_at_coverage"]["1.0"]
    assert judge["label_free"]["pearson_with_quality"] > 0.2
    assert policy["methods"]["cosine"]["label_free"]["reason"] == "the quality is made from it"


def test_rows_of_every_step_reconcile(found):
    for counts in found["steps"].values():
        assert counts["rows_in"] == counts["rows_out"] + counts["rejected"]
    assert found["steps"]["collect"]["rejected"] == 33
    assert found["steps"]["score"]["seconds"] == 29.5
    assert found["steps"]["train"] == {"rows_in": 400, "rows_out": 395, "rejected": 5, "seconds": 140.0, "rows_per_second": 2.82}


def test_rejects_are_counted_by_reason_and_like_reasons_add_up(found):
    left_out = {"no label: one of the two signals is missing": 3, "the prompt is longer than train.max_tokens": 2}
    assert found["rejected_reasons"] == {"collect": {"… words": 3}, "train": left_out}


def test_without_gold_metrics_are_null_and_label_free_numbers_remain(finished_run):
    found = evaluate_tables(finished_run, synthetic_settings(finished_run, gold="none"))
    judge = found["policies"]["tiny"]["methods"]["judge"]
    assert found["gold"] == "none"
    assert all(judge[name] is None for name in ("pearson", "spearman", "auroc", "aurc", "prr"))
    assert judge["reasons"]["pearson"] == "evaluate.gold is none"
    assert judge["label_free"]["pearson_with_quality"] > 0.2


def test_gold_that_no_answer_has_is_one_clear_error(finished_run, tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text("response_id,gold\nelsewhere-0,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"not one held-out answer has gold .* does not have this response"):
        evaluate_tables(finished_run, synthetic_settings(finished_run, gold="column", gold_file=str(path)))


def test_answers_without_gold_are_left_out_and_counted(finished_run, tmp_path):
    ids = finished_run.table("responses").read_all()["response_id"].to_pylist()[:300]
    path = tmp_path / "gold.csv"
    path.write_text("response_id,gold\n" + "".join(f"{key},{n % 10}\n" for n, key in enumerate(ids)), encoding="utf-8")
    settings = synthetic_settings(finished_run, gold="column", gold_file=str(path), bootstrap=10)
    policy = evaluate_tables(finished_run, settings)["policies"]["tiny"]
    without = policy["rows"] - policy["rows_with_gold"]
    assert 0 < without < policy["rows"]
    assert policy["without_gold_reasons"] == {"the gold file does not have this response": without}
    assert policy["methods"]["cosine"]["rows"] == policy["rows_with_gold"]
    assert policy["loss"] == "(9 - gold) / 9"


def test_several_policies_in_one_run_are_kept_apart(small_run):
    table = small_run.table("responses")
    rows = from_table(Response, table.read(0))
    for number, row in enumerate(rows):
        row.policy = f"policy-{number % 2}"
    table.write(0, to_table(Response, rows), [], len(rows))
    found = evaluate_tables(small_run, synthetic_settings(small_run, bootstrap=10))
    assert set(found["policies"]) == {"policy-0", "policy-1"}
    assert sum(policy["rows"] for policy in found["policies"].values()) < 90


def test_answers_to_one_instruction_count_as_one_in_the_bootstrap(run_folder):
    write_run(run_folder, World(instructions=90, responses=4))
    policy = evaluate_tables(run_folder, synthetic_settings(run_folder, bootstrap=20))["policies"]["tiny"]
    assert policy["rows"] == 4 * policy["instructions"]


def test_a_missing_judge_is_null_with_the_reason(run_folder):
    write_run(run_folder, World(instructions=90, methods=("self_eval",)))
    methods = evaluate_tables(run_folder, synthetic_settings(run_folder, bootstrap=10))["policies"]["tiny"]["methods"]
    assert methods["judge"]["pearson"] is None
    assert methods["judge"]["scored"] == 0
    assert methods["judge"]["unscored_reasons"] == {"the answer is not in the table judged (judge)": methods["judge"]["unscored"]}
    assert methods["self_eval"]["pearson"] is not None


def test_a_step_that_has_not_run_has_null_counts(small_run):
    small_run.store.remove("judge")
    small_run.store.remove("training")
    counts = evaluate_tables(small_run, synthetic_settings(small_run, bootstrap=10))["steps"]["train"]
    assert counts == dict.fromkeys(("rows_in", "rows_out", "rejected", "seconds", "rows_per_second"))


def test_tables_that_are_not_finished_are_refused(small_run):
    manifest = small_run.table("judged").manifest()
    manifest.finished = False
    small_run.table("judged").write_manifest(manifest)
    with pytest.raises(RunFolderError, match="judged is not finished"):
        evaluate_tables(small_run, synthetic_settings(small_run))


def test_an_empty_run_folder_says_what_to_run_first(tmp_path):
    run = RunFolder(str(tmp_path / "empty"))
    with pytest.raises(RunFolderError, match="run the steps before report first"):
        evaluate_tables(run, synthetic_settings(run))


def test_the_same_seed_gives_the_same_metrics(finished_run, found):
    assert json.dumps(evaluate_tables(finished_run, synthetic_settings(finished_run))) == json.dumps(found)


def test_on_a_named_scale_losses_and_calibration_are_absolute(finished_run, found):
    """Ten times the gold on a scale of 0 to 10 is the same gold; without a scale it is brought to its own lowest and highest."""
    settings = [synthetic_settings(finished_run, gold="tests.evaluate.test_evaluation:tenfold", gold_scale=scale)
                for scale in ([0, 10], [0, 20], None)]  # fmt: skip
    named, wider, relative = (evaluate_tables(finished_run, one)["policies"]["tiny"] for one in settings)
    plain = found["policies"]["tiny"]
    for name in ("aurc", "aurc_low", "excess_aurc", "aurc_all_rows", "calibration_error", "calibration_error_debiased"):
        assert named["methods"]["judge"][name] == pytest.approx(plain["methods"]["judge"][name], abs=2e-6)
    assert (named["loss"], named["gold_scale"], named["gold_scale_of_this_run"]) == ("(10 - gold) / 10", [0, 10], False)
    assert relative["gold_scale_of_this_run"] and not plain["gold_scale_of_this_run"]
    assert wider["mean_loss"] == pytest.approx(0.5 + named["mean_loss"] / 2, abs=2e-6)
    assert wider["methods"]["judge"]["calibration_error"] > named["methods"]["judge"]["calibration_error"] + 0.1


def tenfold(metadata, response):
    return 10 * grade(metadata, response)


def test_chosen_threshold_decides_what_is_good(finished_run):
    policy = evaluate_tables(finished_run, synthetic_settings(finished_run, good=0.9, bootstrap=10))["policies"]["tiny"]
    gold = read_held_out(finished_run, gold_source(synthetic_settings(finished_run).evaluate))[0].gold
    assert policy["good"] == 0.9
    assert policy["share_good"] == pytest.approx(np.mean(gold >= 0.9), abs=1e-6)
