"""The slider, the promises and the curve: what would be answered."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from selfj.serve.decide import Promise, Promises
from tests.serve.fakes import CURVE, FakeJudge, FakePolicy, fake_endpoint
from tests.serve.page.driver import ask, readout, verdict


def slider(page):
    return page.get_by_role("slider")


def said(page):
    """What a screen reader is told without being asked."""
    return page.locator("[aria-live=polite]")


def uncalibrated():
    always = Promise("always", None, {})
    return replace(fake_endpoint(judge=FakeJudge(default=4.0)), promises=Promises({"always": always}, always, {}))


def test_the_page_begins_at_the_promise_of_the_bare_model_name(visit):
    page = visit(fake_endpoint())
    expect(page.get_by_role("button", name="quality at least 0.7")).to_have_attribute("aria-pressed", "true")
    assert readout(page) == ["50 %", "5.0", "0.75", "0.70"]
    expect(page.locator("#meaning")).to_contain_text("gold: exact grades")
    expect(page.locator("#meaning")).to_contain_text("Promised with 95 % confidence: quality at least 0.7.")


@pytest.mark.parametrize(("presses", "place"), [(1, 4), (3, 2), (-2, 7)])
def test_arrow_keys_go_from_point_to_point_of_the_curve(visit, presses, place):
    page = visit(fake_endpoint())
    slider(page).focus()
    for _ in range(abs(presses)):
        page.keyboard.press("ArrowRight" if presses > 0 else "ArrowLeft")
    point = CURVE[place]
    numbers = [f"{point['threshold']:.1f}", f"{point['quality']:.2f}", f"{point['quality_low']:.2f}"]
    assert readout(page) == [f"{point['coverage']:.0%}".replace("%", " %"), *numbers]
    expect(page.locator("#meaning")).to_contain_text("not a promise")
    words = f"answers {10 * (10 - place)} % of instructions, from score {place}.0, mean quality {point['quality']:.2f}"
    expect(slider(page)).to_have_attribute("aria-valuetext", words)


def test_home_is_the_surest_and_end_is_everything(visit):
    page = visit(fake_endpoint())
    slider(page).press("Home")
    assert readout(page)[:2] == ["10 %", "9.0"]
    slider(page).press("End")
    assert readout(page)[:2] == ["100 %", "0.0"]


def test_the_slider_snaps_to_the_nearest_point_under_a_mouse(visit):
    page = visit(fake_endpoint())
    box = slider(page).bounding_box()
    page.mouse.click(box["x"] + 0.22 * box["width"], box["y"] + box["height"] / 2)
    assert readout(page)[:2] == ["20 %", "8.0"]
    assert float(slider(page).input_value()) == pytest.approx(20)


def test_the_cursor_of_the_curve_stands_over_the_thumb(visit):
    page = visit(fake_endpoint())
    page.get_by_role("button", name="coverage at least 80 %").click()
    cursor, box = page.locator("#curve circle.cursor").bounding_box(), slider(page).bounding_box()
    thumb = box["x"] + 11 + 0.8 * (box["width"] - 22)
    assert cursor["x"] + cursor["width"] / 2 == pytest.approx(thumb, abs=1)


def test_moving_the_slider_decides_again_without_asking_again(visit):
    policy = FakePolicy(["Paris."])
    page = visit(fake_endpoint(policy, FakeJudge(default=6.0)))
    ask(page)
    assert verdict(page) == "Answered"
    slider(page).press("Home")
    assert verdict(page) == "Declined"
    expect(page.locator("#answer")).to_contain_text("I would rather not answer this")
    slider(page).press("End")
    expect(page.locator("#answer")).to_have_text("Paris.")
    assert len(policy.calls) == 1


def test_a_decision_that_changes_is_announced(visit):
    page = visit(fake_endpoint(judge=FakeJudge(default=6.0)))
    ask(page)
    expect(said(page)).to_have_text("Answered. The judge gives it 6.0 of 9; “quality at least 0.7” answers from 5.0.")
    slider(page).press("Home")
    expect(said(page)).to_have_text("Declined. The judge gives it 6.0 of 9; this setting answers from 9.0.")


def test_candidates_are_decided_with_the_slider(visit):
    scores = {"bad": 1.0, "good": 8.0, "fair": 5.5, "poor": 3.0}
    page = visit(fake_endpoint(FakePolicy(list(scores)), FakeJudge(scores)))
    ask(page, best_of=4)
    for promise, number in (("coverage at least 80 %", 3), ("always", 4), ("quality at least 0.7", 2)):
        page.get_by_role("button", name=promise).click()
        expect(page.locator("#candidates-note")).to_contain_text(f"{number} of 4 would be answered")
        assert page.locator("#candidate-list .decision .good").count() == number


def test_always_answers_what_has_no_score(visit):
    page = visit(fake_endpoint(judge=FakeJudge(default=None)))
    ask(page)
    page.get_by_role("button", name="always").click()
    assert verdict(page) == "Answered"
    slider(page).press("End")
    assert verdict(page) == "Declined"


def test_it_is_said_when_the_figures_are_not_about_what_is_asked(visit):
    page = visit(fake_endpoint())
    caveat = page.locator("#caveat")
    expect(caveat).not_to_be_visible()
    page.get_by_label("Candidates").select_option("8")
    expect(caveat).to_contain_text("the best of 8 (which is answered more often)")
    page.get_by_label("Candidates").select_option("1")
    page.get_by_text("Sampling").click()
    page.get_by_label("Temperature").fill("0.2")
    page.get_by_label("Temperature").blur()
    expect(caveat).to_contain_text("another temperature")


def test_a_point_without_quality_shows_none(visit):
    endpoint = fake_endpoint()
    nothing = {"threshold": 9.5, "coverage": 0.0, "quality": None, "quality_low": 0.0}
    page = visit(
        replace(endpoint, promises=replace(endpoint.promises, calibration={"on": "gold: x", "curve": [*CURVE, nothing]}))
    )
    slider(page).press("Home")
    assert readout(page) == ["0 %", "9.5", "0.00"]


def test_without_calibration_the_slider_is_a_bare_score_and_promises_nothing(visit):
    page = visit(uncalibrated())
    expect(page.locator("#meaning")).to_contain_text("This judge was not calibrated")
    expect(page.locator("#curve")).not_to_be_visible()
    ask(page)
    assert verdict(page) == "Answered" and readout(page) == ["any"]
    slider(page).press("End")
    assert verdict(page) == "Declined" and readout(page) == ["9.0"]
    slider(page).press("ArrowLeft")
    assert readout(page) == ["8.9"]
