import asyncio
import functools
import inspect

import numpy as np
import pytest

from selfj.rewards import RewardError
from selfj.rewards.verl import compute_score, compute_score_sync


def alone(*row, **kwargs):
    return asyncio.run(compute_score(*row, **kwargs))


both = pytest.mark.parametrize("compute", [alone, compute_score_sync])


@both
def test_an_answer_gets_a_number_and_what_the_metrics_show(served, compute):
    row = {"data_source": "sums", "solution_str": "good", "ground_truth": "46", "extra_info": {"question": "a", "index": 3}}
    assert compute(**row, base_url=served.url) == {"score": 1.0, "judged": 1.0, "answered": 1.0}
    assert compute(**row, base_url=served.url, scale="margin") == {"score": 4.0, "judged": 1.0, "answered": 1.0}
    assert [question.reference for question in served.judge.asked] == [None, None]


@both
def test_what_cannot_be_judged_stops_the_training_unless_it_has_a_reward(served, compute):
    row = ("sums", "long", "46", {"question": "a"})
    with pytest.raises(RewardError, match=r"could not be judged \(instruction alone.*set reward_kwargs.missing"):
        compute(*row, base_url=served.url)
    assert compute(*row, base_url=served.url, missing=0.0) == {"score": 0.0, "judged": 0.0, "answered": 0.0}


@both
@pytest.mark.parametrize("extra_info", [None, {}, {"question": " "}, {"question": 3 * [None]}, {"prompt": "a"}])
def test_a_row_without_an_instruction_says_where_it_belongs(compute, extra_info):
    with pytest.raises(RewardError, match=r"extra_info.question: no instruction there"):
        compute("sums", "good", "46", extra_info, base_url="http://127.0.0.1:9")


@both
def test_the_instruction_may_be_a_conversation_under_a_key_of_ones_own(served, compute):
    turns = np.array([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a"}], dtype=object)
    compute("sums", "good", "46", {"turns": turns}, base_url=served.url, instruction_key="turns")
    assert served.judge.asked[0].instruction == "Be brief.\n\na"


def test_a_batch_that_verl_asks_for_at_once_is_judged_in_one_call_by_instruction(served):
    rate, calls = served.judge.rate, []

    async def counted(questions, request_id):
        calls.append([question.instruction for question in questions])
        return await rate(questions, request_id)

    served.judge.rate = counted

    async def batch():
        rows = [("sums", f"answer {number}", "", {"question": "ab"[number % 2]}) for number in range(8)]
        return await asyncio.gather(*(compute_score(*row, base_url=served.url) for row in rows))

    scores = asyncio.run(batch())
    assert len(scores) == 8 and calls == [["a"] * 4 + ["b"] * 4]


def test_verl_sees_that_the_function_is_asynchronous_also_with_its_arguments_bound(served):
    bound = functools.partial(compute_score, base_url=served.url)
    assert inspect.iscoroutinefunction(bound) and not inspect.iscoroutinefunction(compute_score_sync)


@both
def test_what_verl_passes_for_its_own_reward_model_is_not_needed(served, compute):
    further = {"reward_router_address": "127.0.0.1:1", "reward_model_tokenizer": None}
    assert compute("sums", "good", "46", {"question": "a"}, base_url=served.url, **further)["score"] == 1.0


@both
def test_a_misspelt_setting_is_an_error(compute):
    with pytest.raises(TypeError, match="scael"):
        compute("sums", "good", "46", {"question": "a"}, scael="unit")
