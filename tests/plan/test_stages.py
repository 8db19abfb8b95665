"""Rows, time and storage of every table of a run."""

import dataclasses
from typing import Any

import pytest

from selfj.config import LoraSettings, OutsideJudgeSettings, Settings
from selfj.plan.basis import Basis, Stage, Workers, added, at_most, times
from selfj.plan.lengths import Lengths
from selfj.plan.models import ModelSize
from selfj.plan.rates import CPU_START_SECONDS, GPUS, POOL_START_SECONDS, Cluster
from selfj.plan.stages import planned_stages

LAPTOP = Cluster(cpus=2)
NODE = Cluster(cpus=64, gpus=8, gpu=GPUS["h100"])
POCKET = ModelSize(3.5e6, 3.5e6, "")
SEVEN_B = ModelSize(7e9, 7e9, "")
LENGTHS = Lengths(
    answer_prompt=40,
    response=30,
    rating=80,
    rating_reference=100,
    characters=300,
    response_characters=120,
    embedded=30,
    source="",
)


def settings(**train: Any) -> Settings:
    made = Settings()
    made.collect.test_fraction, made.collect.calibration_fraction = 0.25, 0.1
    made.collect.max_instructions = 4000
    made.sample.responses_per_instruction = 2
    made.train = dataclasses.replace(made.train, **train)
    return made


def basis(
    how: Settings | None = None, cluster: Cluster = LAPTOP, rows: float | None = 6000, model: ModelSize | None = POCKET
) -> Basis:
    return Basis(how or settings(), cluster, rows, LENGTHS, model, model, POCKET)


def stages(*arguments: Any, **named: Any) -> dict[str, Stage]:
    return {stage.table: stage for stage in planned_stages(basis(*arguments, **named))}


def test_rows_follow_from_limits_answers_splits_and_methods() -> None:
    found = {table: (stage.rows_in, stage.rows_out) for table, stage in stages(settings(max_examples=3000)).items()}
    assert found["instructions"] == (6000, 4000)
    assert found["responses"] == found["self_evaluations"] == found["similarities, scored"] == (8000, 8000)
    assert found["judge"] == (5200, 3000)
    assert found["judged"] == (5600, 5600), "test and calibration, with and without reference"
    assert found["judged_by_policy"] == (2800, 2800)
    assert found["report"] == (2000, 2000)


def test_unknown_rows_stay_unknown_until_a_limit_makes_them_known() -> None:
    how = settings()
    how.collect.max_instructions = None
    found = stages(how, rows=None)
    assert found["responses"].rows_out is found["responses"].seconds is found["judged"].gigabytes is None
    assert found["judge"].rows_out == how.train.max_examples
    assert stages(rows=None)["responses"].rows_out == 8000


def test_a_model_of_unknown_size_has_unknown_times_but_known_rows() -> None:
    found = stages(model=None)
    assert found["responses"].seconds is None and found["judge"].gigabytes is None
    assert found["responses"].rows_out == 8000 and found["responses"].written == 8000 * LENGTHS.response


def test_the_pocket_model_takes_the_time_that_was_measured() -> None:
    found = stages()
    read, written = 4000 * 40, 8000 * 30
    assert found["responses"].seconds == pytest.approx(CPU_START_SECONDS + read / 16_000 + written / 4_571, rel=0.01)
    tokens = 5200 * 2 * (80 + 100)
    assert found["judge"].read == tokens
    assert found["judge"].seconds == pytest.approx(CPU_START_SECONDS + POOL_START_SECONDS + tokens / 6_950, rel=0.2), (
        "and validations"
    )


def test_what_the_answers_of_one_instruction_share_is_read_once() -> None:
    assert stages()["responses"].read == 4000 * LENGTHS.answer_prompt
    assert stages()["self_evaluations"].read == 4000 * (100 - 30) + 8000 * 30


def test_adapters_train_faster_than_all_weights_and_recomputation_costs_a_third() -> None:
    full = stages(settings(), model=SEVEN_B)["judge"]
    lora = stages(settings(lora=LoraSettings()), model=SEVEN_B)["judge"]
    again = stages(settings(gradient_checkpointing=True), model=SEVEN_B)["judge"]
    assert lora.seconds and full.seconds and again.seconds and lora.gigabytes and full.gigabytes
    assert lora.seconds < full.seconds < again.seconds
    assert again.seconds / full.seconds == pytest.approx(8 / 6, rel=0.05)
    assert lora.gigabytes < full.gigabytes / 10


def test_eight_gpus_take_an_eighth_of_the_time_and_the_same_gpu_hours() -> None:
    def planned(workers: int) -> Stage:
        how = settings(gpus_per_worker=1, workers=workers)
        how.engine.workers = workers
        return stages(how, NODE, model=SEVEN_B)["judge"]

    one, eight = planned(1), planned(8)
    assert one.seconds and eight.seconds and one.gpu_hours and eight.gpu_hours
    start = CPU_START_SECONDS + POOL_START_SECONDS
    assert (one.seconds - start) / (eight.seconds - start) == pytest.approx(8)
    assert eight.gpu_hours == pytest.approx(one.gpu_hours, rel=0.05, abs=0.05)


def test_engines_go_where_the_engine_step_puts_them() -> None:
    how = settings()
    assert stages(how, NODE)["responses"].workers == Workers(1, 1, "GPU")
    assert stages(how, LAPTOP)["responses"].workers == Workers(1, 1, "CPU")
    how.engine.device, how.engine.tensor_parallel = "gpu", 4
    assert stages(how, LAPTOP)["responses"].workers == Workers(1, 4, "GPU")
    assert stages(how, LAPTOP)["responses"].seconds is None


def test_more_workers_than_find_room_are_no_faster() -> None:
    assert Workers(8, 1).at_once(LAPTOP) == 2 and Workers(2, 8, "GPU").at_once(NODE) == 1
    few, many = settings(), settings()
    few.engine.workers, many.engine.workers = 2, 50
    assert stages(few)["responses"].seconds == stages(many)["responses"].seconds


def test_unknown_counts_make_sums_and_products_unknown() -> None:
    assert times(3, 2) == 6 and times(None, 2) is None and times(3, None) is None
    assert added(1, 2) == 3 and added(1, None) is None
    assert at_most(5, 3) == 3 and at_most(None, 3) == 3 and at_most(5, None) == 5 and at_most(None, None) is None


def test_a_variant_costs_a_training_and_one_way_of_judging() -> None:
    how = settings()
    plain = {"train.teacher_weight": 0, "train.distillation_weight": 0}
    how.variants = {"judge_cosine": {"score.self_evaluation_weight": 0}, "judge_no_distillation": plain}
    found = stages(how)
    judge, cosine, plain_judge = (
        found[f"{place}judge"] for place in ("", "variants/judge_cosine/", "variants/judge_no_distillation/")
    )
    assert (cosine.rows_out, cosine.seconds) == (judge.rows_out, judge.seconds)
    assert plain_judge.read == 5200 * 2 * LENGTHS.rating, "without a teacher only the student's prompt is read"
    assert found["variants/judge_cosine/judged"].rows_out == 2800
    assert list(found).index("variants/judge_cosine/judge") < list(found).index("judged")


def test_further_answers_are_those_of_all_test_instructions_and_more_of_some() -> None:
    how = settings()
    how.evaluate.resamples, how.evaluate.best_of, how.evaluate.best_of_instructions = 4, 32, 100
    found = stages(how)
    assert found["candidates"].rows_out == 1000 * 4 + 100 * 28
    assert found["candidates"].written == found["candidates"].rows_out * LENGTHS.response
    assert found["judged_candidates"].rows_out == 3200
    assert found["resample_similarities"].rows_out == 2000
    how.evaluate.resamples = 0
    assert stages(how)["candidates"].rows_out == 3200 and "resample_similarities" not in stages(how)


def test_an_endpoint_takes_the_time_that_its_rate_limit_allows() -> None:
    how = settings()
    limited = OutsideJudgeSettings(name="gpt", model="gpt", requests_per_minute=60)
    how.evaluate.judges = [limited, OutsideJudgeSettings(name="reward", kind="reward_model", model="m")]
    found = stages(how)
    assert found["judged_by_gpt"].seconds == found["judged_by_gpt"].rows_out == 2800
    assert found["judged_by_reward"].seconds is None


def test_near_duplicates_take_room_for_a_table_of_texts_and_one_of_bands() -> None:
    plain, near = settings(), settings()
    near.collect.near_duplicates.enabled = True
    without, with_near = (planned_stages(basis(chosen))[0].gigabytes for chosen in (plain, near))
    assert without and with_near
    near.collect.near_duplicates.bands *= 2
    more = planned_stages(basis(near))[0].gigabytes
    assert more and without < with_near < more
