"""The official OpenAI client, as it is, on a real port."""

import asyncio
from collections.abc import Iterator

import openai
import pytest

from tests.serve.fakes import FakeJudge, FakePolicy, fake_app
from tests.serve.ports import listening

HELLO = [{"role": "user", "content": "Hello"}]
GOOD, BAD = "a good answer of several words", "a bad answer"
PROMISED, ALWAYS = "pocket@quality=0.7", "pocket@always"


class Policy(FakePolicy):
    """Gives a bad answer where it is asked for one."""

    def _next(self, call):
        super()._next(call)
        return [BAD if "bad" in call.messages[-1]["content"] else GOOD] * len(call.seeds)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(fake_app(Policy(), FakeJudge({GOOD: 7.0, BAD: 2.0}))) as address:
        yield f"{address}/v1"


@pytest.fixture
def client(url) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as made:
        yield made


def asked_badly(model: str = PROMISED) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "a bad one"}]}


def test_an_answer(client):
    completion = client.chat.completions.create(model=PROMISED, messages=HELLO, seed=1, temperature=0.5)
    assert completion.choices[0].message.content == GOOD
    assert completion.choices[0].message.refusal is None
    assert completion.choices[0].selfj["score"] == 7.0
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_a_refusal(client):
    message = client.chat.completions.create(**asked_badly()).choices[0].message
    assert message.content is None
    assert "2.0 of 9" in message.refusal


def test_best_of_by_extra_body(client):
    completion = client.chat.completions.create(**asked_badly(), extra_body={"selfj": {"best_of": 3, "candidates": True}})
    assert completion.choices[0].selfj["drawn"] == 3
    assert len(completion.choices[0].selfj["candidates"]) == 3


@pytest.mark.parametrize("model", [PROMISED, ALWAYS])
def test_a_stream(client, model):
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=model, messages=HELLO, stream=True, stream_options=options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == GOOD
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-2].choices[0].selfj["score"] == 7.0
    assert chunks[-1].usage.completion_tokens == 6


def test_a_stream_that_is_declined(client):
    chunks = list(client.chat.completions.create(**asked_badly(), stream=True))
    assert all(chunk.choices[0].delta.content is None for chunk in chunks)
    assert "2.0 of 9" in "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks)


@pytest.mark.parametrize("model", [PROMISED, ALWAYS])
def test_the_client_s_own_gathering_of_a_stream(client, model):
    with client.chat.completions.stream(model=model, messages=HELLO) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.content == GOOD
    assert message.refusal is None


def test_the_client_s_own_gathering_of_a_declined_stream(client):
    with client.chat.completions.stream(**asked_badly()) as stream:
        message = stream.get_final_completion().choices[0].message
    assert not message.content
    assert "2.0 of 9" in message.refusal


def test_a_conversation_goes_on_with_the_messages_that_came_back(client):
    refused = client.chat.completions.create(**asked_badly()).choices[0].message
    given = client.chat.completions.create(model=PROMISED, messages=HELLO).choices[0].message
    turns = [*asked_badly()["messages"], refused, *HELLO, given.model_dump(), {"role": "user", "content": "And now?"}]
    completion = client.chat.completions.create(model=PROMISED, messages=turns)
    assert completion.choices[0].message.content == GOOD
    assert completion.choices[0].selfj["departures"] == ["messages"]


def test_the_list_of_models(client):
    assert [model.id for model in client.models.list()] == ["pocket", "pocket@coverage=0.8", PROMISED, ALWAYS]
    assert client.models.retrieve("pocket@coverage=0.8").selfj["threshold"] == 2.0


def test_errors_are_the_client_s_own_and_name_the_field(client):
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-5", messages=HELLO)
    assert unknown.value.param == "model"
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.chat.completions.create(model=PROMISED, messages=HELLO, logprobs=True)
    assert refused.value.param == "logprobs"


def test_the_asynchronous_client_answers_many_at_once(url):
    async def asked():
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            calls = [client.chat.completions.create(model=PROMISED, messages=HELLO, n=1 + k % 3) for k in range(8)]
            return await asyncio.gather(*calls)

    completions = asyncio.run(asked())
    assert [len(completion.choices) for completion in completions] == [1 + k % 3 for k in range(8)]
    assert len({completion.id for completion in completions}) == 8


@pytest.mark.parametrize("model", [PROMISED, ALWAYS])
def test_the_asynchronous_client_streams(url, model):
    async def streamed():
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
            return [chunk async for chunk in stream]

    chunks = asyncio.run(streamed())
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == GOOD


def test_a_client_that_stops_reading_ends_the_policy_s_work():
    policy = FakePolicy(["word " * 200], delay_s=0.01)
    with listening(fake_app(policy)) as address, openai.OpenAI(base_url=f"{address}/v1", api_key="none") as client:
        stream = client.chat.completions.create(model=ALWAYS, messages=HELLO, stream=True)
        next(stream)
        stream.close()
    assert policy.cancelled == 1
