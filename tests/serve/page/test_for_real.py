"""The page of a real endpoint: vLLM answers and judges."""

import pytest
from playwright.sync_api import expect

from tests.serve.page.driver import ask, promises, readout, verdict

pytestmark = pytest.mark.ray


def test_a_question_is_answered_judged_and_decided_by_the_slider(visit, served):
    page = visit(served.url)
    ask(page, "What is 3 + 4?", best_of=4)
    expect(page.locator("#candidate-list li")).to_have_count(4)
    scores = [float(score) for score in page.locator("#candidate-list summary > b").all_inner_texts()]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 9
    expect(page.locator("#distribution .stem")).to_have_count(10)
    page.get_by_role("button", name="always").click()
    assert verdict(page) == "Answered"
    assert promises(page)[f"{served.name}@always"] == "answered"
    if page.locator("#curve").is_visible():
        page.get_by_role("slider").press("End")
        assert readout(page)[0] == "100 %"
