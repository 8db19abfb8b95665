"""What benchmarks/serve.py makes of replies: recovery, intervals, merged results, a page."""

import importlib
import json
from pathlib import Path

import jinja2
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    """Modules of the benchmarks' folder by their names."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def sent(module, at, seconds=0.1, status=200, number=0, score=5.0, retry_after=None):
    body = json.dumps({"results": [{"score": score}]})
    return module("serve_faults").Sent(number, at, seconds, status, body, retry_after)


def test_recovery_begins_at_the_kill_and_ends_with_an_answer_to_a_later_request(module):
    faults = module("serve_faults")
    replies = [sent(module, 9.8, 0.5), sent(module, 10.5, 0.5, 503), sent(module, 14.0, 1.0), sent(module, 15.0, 0.5)]
    good = [one for one in replies if one.status == 200]
    assert faults._recovery(good, 10.0) == 5.0
    assert faults._longest_gap(good, 10.0) == pytest.approx(4.7)
    assert faults._recovery(good[:1], 10.0) is None


def test_a_refusal_without_retry_after_is_a_failure(module):
    replies = [
        sent(module, 1.0),
        sent(module, 1, status=503, retry_after="1"),
        sent(module, 1, status=503),
        sent(module, 1, status=0),
    ]
    found = module("serve_faults")._summary(None, "judge", replies, 0.0)
    assert (found["answered"], found["refused_with_retry_after"], found["failed"], found["wrong"]) == (1, 1, 2, 0)


def test_another_score_for_the_same_text_is_a_wrong_answer(module):
    replies = [sent(module, 1.0, number=1), sent(module, 2.0, number=1, score=5.01), sent(module, 3.0, number=1, score=6.0)]
    replies += [sent(module, 3.0, number=2, score=6.0), sent(module, 3.0, number=2, score=None)]
    assert module("serve_faults")._wrong_scores(None, replies) == 2


def test_the_interval_of_a_share_is_wilsons(module):
    low, high = module("serve_promises").wilson(40, 50)
    assert (round(low, 3), round(high, 3)) == (0.670, 0.888)


def test_new_numbers_replace_their_own_and_leave_the_others(module):
    old = {"p50_ms": {"raw": {"1": 5.0, "8": 9.0}, "selfj": {"1": 7.0}}, "faults": {"judge": {"wrong": 0}}}
    new = {"p50_ms": {"raw": {"8": 10.0}}}
    merged = module("serve").merged(old, new)
    assert merged["p50_ms"] == {"raw": {"1": 5.0, "8": 10.0}, "selfj": {"1": 7.0}}
    assert merged["faults"] == old["faults"] and old["p50_ms"]["raw"]["8"] == 9.0


def test_questions_have_different_answers_and_are_the_same_each_time(module):
    questions = module("questions")
    made = questions.pocket_questions(30, 20, 16)
    assert all(len(set(question.responses)) == 16 for question in made)
    assert made[5] == questions.pocket_questions(35, 1, 16)[0]
    assert len({question.instruction for question in made}) == 20


def test_the_section_shows_what_was_measured_and_nothing_else():
    cells = {"raw": {"1": 50.0, "32": 100.0}, "selfj": {"1": 40.0, "32": 95.0}}
    figures = {"seconds_a_cell": 8.0, **{name: cells for name in ("requests_per_second", "p50_ms", "p95_ms", "p99_ms")}}
    result = {"figures": figures, "command": "x", "machine": {"cores": 2, "memory_gib": 23.5}, "date": "2026-01-01"}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "sections"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("serve.jinja").render(results={"serve": result})
    assert "**0.95** of the raw engine's throughput" in page
    assert "vllm serve" not in page.partition("**Judge**")[2]
    assert "Overload" not in page and "killed" not in page
