"""Judge, rerank and rewards of a real endpoint: Ray Serve, vLLM, an untrained judge."""

import cohere
import httpx
import pytest
from transformers import AutoTokenizer

from selfj.pocket.chat import answer_prompt
from selfj.rewards import Answer, JudgeClient, RewardSettings
from selfj.rewards.trl import TrlReward
from tests.serve.folders import POLICY

pytestmark = pytest.mark.ray

QUESTION = "What is 12 + 34?"
ANSWERS = ["46", "12 + 34 is 46.", "I do not know.", "", "The city is old."]


@pytest.fixture(scope="module")
def judged(served):
    return JudgeClient(RewardSettings(served.url)).judge([Answer(QUESTION, answer) for answer in ANSWERS])


def test_a_score_is_the_expected_value_of_its_ten_probabilities(judged):
    assert len({answer.score for answer in judged}) == len(ANSWERS)
    for answer in judged:
        assert sum(answer.probabilities) == pytest.approx(1, abs=1e-6)
        assert answer.score == pytest.approx(sum(digit * p for digit, p in enumerate(answer.probabilities)), abs=1e-6)
        assert answer.answered == (answer.score >= answer.threshold)


def test_coheres_client_ranks_answers_as_the_judge_does(served, judged):
    reply = cohere.ClientV2("none", base_url=served.url).rerank(model="pocket", query=QUESTION, documents=ANSWERS)
    order = sorted(range(len(ANSWERS)), key=lambda place: -judged[place].score)
    assert [result.index for result in reply.results] == order
    expected = [judged[place].score / 9 for place in order]
    assert [result.relevance_score for result in reply.results] == pytest.approx(expected, abs=1e-3)


def test_the_remote_reward_call_splits_what_the_policys_own_tokenizer_decodes(served, judged):
    tokenizer = AutoTokenizer.from_pretrained(POLICY)
    prompt = answer_prompt(QUESTION)
    texts = [tokenizer.encode(f"{prompt}{answer}<|end|>", add_special_tokens=False) for answer in ANSWERS]
    queries = [tokenizer.decode(ids, skip_special_tokens=False) for ids in texts]
    body = {"query": queries, "prompts": [prompt] * len(queries), "labels": [""] * len(queries)}
    reply = httpx.post(f"{served.url}/get_reward", json=body, timeout=60).json()
    assert reply["rewards"] == pytest.approx([answer.score / 9 for answer in judged], abs=1e-3)
    assert {note["format"] for note in reply["selfj"]} == {"pocket"}


def test_an_instruction_that_fills_the_judges_context_has_no_score_and_a_reason(served):
    long = "word " * 3000
    (answer,) = JudgeClient(RewardSettings(served.url)).judge([Answer(long, "46")])
    assert answer.score is None and "tokens" in answer.reason
    assert TrlReward(base_url=served.url)(prompts=[long, QUESTION], completions=["46", "46"])[0] is None


def test_many_answers_of_one_instruction_share_its_prefix(served):
    question = "Name the colours of the " + "very " * 40 + "old flag."
    body = {"instruction": question, "responses": [f"Red and {number}." for number in range(32)]}
    usage = httpx.post(f"{served.url}/v1/judge", json=body, timeout=60).json()["usage"]
    assert usage["cached_tokens"] > usage["prompt_tokens"] / 2
