import asyncio
import json

import cohere
import pytest
from starlette.testclient import TestClient

from tests.serve.fakes import FakeJudge, fake_app
from tests.serve.ports import listening

JSON = {"Content-Type": "application/json"}
SCORES = {"good": 9.0, "bad": 1.0, "long": None}
ANSWERS = ["bad", "fair", "good"]


@pytest.fixture(scope="module")
def url():
    with listening(fake_app(judge=FakeJudge(SCORES))) as address:
        yield address


def reranked(body, path="/v1/rerank"):
    response = TestClient(fake_app(judge=FakeJudge(SCORES))).post(path, content=json.dumps(body), headers=JSON)
    return response.status_code, response.json()


def test_coheres_client_ranks_answers_unchanged(url):
    reply = cohere.ClientV2("key", base_url=url).rerank(model="pocket", query="Why?", documents=ANSWERS, top_n=2)
    assert [result.index for result in reply.results] == [2, 1]
    assert [result.relevance_score for result in reply.results] == [1.0, pytest.approx(2 / 3)]
    assert reply.meta.tokens.input_tokens == 30 and reply.meta.warnings is None


def test_coheres_first_client_ranks_documents_with_fields_unchanged(url):
    documents = [{"text": answer, "id": f"nr {place}"} for place, answer in enumerate(ANSWERS)]
    reply = cohere.Client("key", base_url=url).rerank(query="Why?", documents=documents, return_documents=True)
    assert [result.document.text for result in reply.results] == ["good", "fair", "bad"]
    assert reply.results[0].document.id == "nr 2"


def test_coheres_asynchronous_client_works_unchanged(url):
    async def ask():
        async with cohere.AsyncClientV2("key", base_url=url) as client:
            return await client.rerank(model="pocket@coverage=0.8", query="Why?", documents=ANSWERS, max_tokens_per_doc=4096)

    assert [result.index for result in asyncio.run(ask()).results] == [2, 1, 0]


def test_coheres_client_names_what_is_wrong(url):
    with pytest.raises(cohere.UnprocessableEntityError, match="documents: List should have at least 1 item"):
        cohere.ClientV2("key", base_url=url).rerank(model="pocket", query="Why?", documents=[])
    with pytest.raises(cohere.NotFoundError, match="'other' is not served here"):
        cohere.ClientV2("key", base_url=url).rerank(model="other", query="Why?", documents=ANSWERS)


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_jinas_and_vllms_request_is_understood_at_every_address(path):
    status, reply = reranked({"model": "pocket", "query": "Why?", "documents": ANSWERS, "top_n": 0, "user": "me"}, path)
    assert status == 200 and [result["document"] for result in reply["results"]] == [
        {"text": "good"},
        {"text": "fair"},
        {"text": "bad"},
    ]
    assert reply["usage"]["total_tokens"] == 30 and reply["model"] == "pocket@quality=0.7"


def test_what_cannot_be_judged_is_listed_and_not_ranked():
    status, reply = reranked({"query": "Why?", "documents": ["long", "good"]})
    assert status == 200 and [result["index"] for result in reply["results"]] == [1]
    assert reply["unscored"] == [{"index": 0, "reason": "instruction alone takes 900 of 512 tokens"}]
    assert reply["meta"]["warnings"] == ["documents.0 is not ranked: instruction alone takes 900 of 512 tokens"]


def test_equal_answers_keep_their_order():
    _, reply = reranked({"query": "Why?", "documents": ["fair", "good", "fair", "also fair"]})
    assert [result["index"] for result in reply["results"]] == [1, 0, 2, 3]


def test_every_result_says_whether_the_promise_gives_it():
    _, reply = reranked({"query": "Why?", "documents": ANSWERS, "return_documents": False})
    assert [(result["selfj"]["score"], result["selfj"]["answered"]) for result in reply["results"]] == [
        (9, True),
        (6, True),
        (1, False),
    ]
    assert {result["document"] for result in reply["results"]} == {None}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"query": ""}, "query"),
        ({"query": 3}, "query"),
        ({"documents": ["a", {"title": "b"}]}, "documents.1.text"),
        ({"documents": [{"text": "a", "rank": 1}]}, "documents.0.rank"),
        ({"documents": ["\ud83d"]}, "documents.0.text"),
        ({"documents": ["a"] * 300}, "documents"),
        ({"documents": ["a" * 200_001]}, "documents.0"),
        ({"top_n": -1}, "top_n"),
        ({"max_tokens_per_doc": 3}, "max_tokens_per_doc"),
        ({"rank_fields": ["title"]}, "rank_fields.0"),
        ({"relevant_spans": {"mode": "enabled"}}, "relevant_spans.mode"),
        ({"truncate_prompt_tokens": 100}, "truncate_prompt_tokens"),
        ({"topn": 1}, "topn"),
    ],
)
def test_what_would_change_the_order_and_is_not_done_is_refused_by_name(change, field):
    status, reply = reranked({"query": "Why?", "documents": ANSWERS, **change})
    assert status == 422 and reply["error"]["param"] == field
