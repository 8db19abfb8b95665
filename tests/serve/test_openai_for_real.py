"""The official OpenAI client on a real endpoint: Ray Serve, vLLM, the pocket policy and an untrained judge."""

import asyncio
from collections.abc import Iterator

import openai
import pytest

pytestmark = pytest.mark.ray

ASKED = {"messages": [{"role": "user", "content": "What is 3 + 4?"}]}


@pytest.fixture
def client(served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none") as made:
        yield made


def always(client, **fields):
    return client.chat.completions.create(model="pocket@always", **(ASKED | fields))


def text(completion) -> str:
    return completion.choices[0].message.content


def test_the_answer_and_its_score_belong_together(client):
    completion = always(client, seed=3)
    verdict = completion.choices[0].selfj
    assert text(completion)
    assert sum(digit * p for digit, p in enumerate(verdict["probabilities"])) == pytest.approx(verdict["score"], abs=1e-4)
    assert sum(verdict["probabilities"]) == pytest.approx(1, abs=1e-4)


def test_answers_to_many_at_once_are_those_of_one_after_the_other(client, served):
    async def at_once():
        async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none") as asynchronous:
            return await asyncio.gather(*(always(asynchronous, seed=seed) for seed in range(12)))

    assert [text(completion) for completion in asyncio.run(at_once())] == [text(always(client, seed=k)) for k in range(12)]


def test_promises_decide_by_the_score_and_a_declined_answer_is_not_shown(client):
    for model, threshold in (("pocket@coverage=0.8", 2.0), ("pocket@quality=0.7", 5.0)):
        choice = client.chat.completions.create(model=model, seed=3, **ASKED).choices[0]
        assert choice.selfj["threshold"] == threshold
        assert choice.selfj["answered"] == (choice.selfj["score"] >= threshold)
        assert (choice.message.content is None) == (not choice.selfj["answered"])
        assert (choice.message.refusal is None) == choice.selfj["answered"]


def test_a_seed_gives_the_same_answer_again_and_another_seed_another(client):
    assert text(always(client, seed=3)) == text(always(client, seed=3))
    assert len({text(always(client, seed=seed)) for seed in range(8)}) > 1


def test_the_largest_and_the_smallest_seed_are_taken(client):
    assert text(always(client, seed=2**63 - 1, n=2))
    assert text(always(client, seed=-(2**63)))


def test_the_second_of_two_answers_has_the_next_seed(client):
    second = always(client, seed=3, n=2).choices[1].message.content
    assert second == text(always(client, seed=4))


@pytest.mark.parametrize("model", ["pocket@always", "pocket@coverage=0.8"])
def test_what_streams_is_what_comes_whole(client, model):
    whole = client.chat.completions.create(model=model, seed=5, **ASKED).choices[0]
    with client.chat.completions.stream(model=model, seed=5, **ASKED) as stream:
        gathered = stream.get_final_completion().choices[0]
    assert (gathered.message.content or None) == whole.message.content
    assert gathered.message.refusal == whole.message.refusal
    assert gathered.finish_reason == whole.finish_reason


def test_an_answer_ends_where_it_is_told_to(client):
    whole = text(always(client, temperature=0))
    cut = always(client, temperature=0, max_tokens=3)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens == 3
    assert whole.startswith(text(cut))
    stopped = text(always(client, temperature=0, stop=whole[4]))
    assert stopped == whole[: whole.index(whole[4])]


def test_best_of_takes_the_candidate_with_the_highest_score(client):
    verdict = always(client, seed=3, extra_body={"selfj": {"best_of": 6, "candidates": True}}).choices[0].selfj
    scores = [candidate["score"] for candidate in verdict["candidates"]]
    assert len(scores) == 6
    assert scores == sorted(scores, reverse=True)
    assert verdict["score"] == scores[0]


def test_best_of_stops_at_the_score_it_is_told(client):
    options = {"best_of": 6, "candidates": True}
    drawn = always(client, seed=3, extra_body={"selfj": options}).choices[0].selfj["candidates"]
    in_order = [candidate["score"] for candidate in sorted(drawn, key=lambda one: one["number"])]
    enough = sorted(in_order)[3]
    stopped = always(client, seed=3, extra_body={"selfj": options | {"stop_at": enough - 0.01}}).choices[0].selfj
    assert stopped["drawn"] == next(place for place, score in enumerate(in_order, 1) if score >= enough - 0.01)


def test_a_conversation_that_fills_the_context_is_refused_with_the_field(client):
    turns = [{"role": "user", "content": "What is 3 + 4? " * 200}]
    with pytest.raises(openai.UnprocessableEntityError, match="tokens") as problem:
        always(client, messages=turns)
    assert problem.value.param == "messages"


def test_a_longer_conversation_is_answered_and_judged(client):
    turns = [*ASKED["messages"], {"role": "assistant", "content": "7"}, {"role": "user", "content": "And what is 2 + 2?"}]
    verdict = always(client, messages=turns).choices[0].selfj
    assert verdict["score"] is not None
    assert verdict["departures"] == ["messages"]


def test_usage_counts_the_tokens_of_both_models(client):
    usage = always(client, seed=3).usage
    assert usage.selfj["judge"]["prompt_tokens"] > usage.selfj["policy"]["prompt_tokens"] > 0
    assert usage.prompt_tokens == usage.selfj["judge"]["prompt_tokens"] + usage.selfj["policy"]["prompt_tokens"]
