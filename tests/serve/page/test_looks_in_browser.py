"""Keyboard, phone, dark, print, accessibility."""

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.serve.fakes import FakeJudge, FakePolicy, fake_endpoint
from tests.serve.page.driver import ask, verdict

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 6 + " and more words " * 40


def full(visit, **options):
    """A page with everything on it that there can be."""
    endpoint = fake_endpoint(FakePolicy([LONG, "short"]), FakeJudge({"short": 8.0}))
    page = visit(replace(endpoint, name="a-model-with-a-long-name-32b-instruct"), **options)
    ask(page, LONG, best_of=8)
    page.locator("#candidate-list summary").nth(7).click()
    return page


def focused(page):
    return page.evaluate("document.activeElement.id || document.activeElement.innerText")


def test_all_of_it_works_by_keyboard_alone(visit):
    page = visit(fake_endpoint(FakePolicy(["worse", "better"]), FakeJudge({"worse": 4.0, "better": 6.0})))
    page.locator("#work").wait_for()
    assert focused(page) == "instruction"
    page.keyboard.type("What is this?")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert focused(page) == "send"
    page.keyboard.press("Enter")
    page.locator("#result").wait_for()
    expect(page.locator("#answer")).to_have_text("better")
    while focused(page) != "slider":
        page.keyboard.press("Tab")
    page.keyboard.press("Home")
    assert verdict(page) == "Declined"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#candidate-list .text").first).to_be_visible()


def test_control_and_enter_asks(visit):
    page = visit(fake_endpoint())
    page.get_by_label("Instruction", exact=True).fill("What is this?")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).not_to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result")).to_be_visible()


def test_what_has_the_focus_is_outlined(visit):
    page = full(visit)
    page.locator("#instruction").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        width, style = page.evaluate(
            "(({outlineWidth, outlineStyle}) => [outlineWidth, outlineStyle])(getComputedStyle(document.activeElement))"
        )
        assert (width, style) == ("2px", "solid"), focused(page)


@pytest.mark.parametrize("width", [320, 390, 768, 940, 1280])
def test_nothing_reaches_beyond_the_edge(visit, width):
    page = full(visit, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_answer_comes_before_the_slider_and_targets_are_large(visit):
    page = full(visit, **PHONE)
    places = [page.locator(part).bounding_box()["y"] for part in ("#ask", "#result", "#when", "#candidates")]
    assert places == sorted(places)
    controls = page.locator("button:visible, select:visible, #slider")
    assert min(control.bounding_box()["height"] for control in controls.all()) >= 32


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("part", ["asking", "key"])
def test_accessibility_rules_hold(visit, scheme, part):
    if part == "asking":
        page = full(visit, color_scheme=scheme)
        page.get_by_text("Sampling").click()
        page.get_by_role("slider").press("Home")
        page.get_by_text("Show the answer it would have given").click()
    else:
        page = visit(fake_endpoint(), color_scheme=scheme)
        page.locator("#work").wait_for()
        page.evaluate("askForKey('This key is not accepted.')")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_dark_is_dark(visit):
    def brightness(scheme):
        page = full(visit, color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))

    assert brightness("dark") < 100 < 600 < brightness("light")


def test_nothing_moves_for_those_who_want_it_calm(visit):
    page = visit(fake_endpoint(), reduced_motion="reduce")
    page.locator("#progress").evaluate("bar => { bar.hidden = false; }")
    assert page.evaluate("document.getAnimations().length") == 0


def test_print_has_the_instruction_and_the_answer_without_controls(visit):
    page = full(visit)
    page.emulate_media(media="print")
    for part in ("#asked", "#answer", "#distribution", "#readout", "#candidate-list"):
        expect(page.locator(part)).to_be_visible()
    assert page.locator("button:visible, input:visible, select:visible, textarea:visible").count() == 0


@pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, {"width": 390, "height": 844}], ids=["desktop", "phone"])
def test_the_answer_is_in_view_when_it_comes(visit, size):
    page = visit(fake_endpoint(FakePolicy([" ".join(["word"] * 60)])), viewport=size, reduced_motion="reduce")
    ask(page)
    expect(page.locator("#verdict")).to_be_in_viewport(ratio=1)
    expect(page.locator("#answer")).to_be_in_viewport(ratio=1)
