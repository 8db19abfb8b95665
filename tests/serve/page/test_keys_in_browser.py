"""Where the endpoint asks for a key, the page asks for it."""

import pytest
from playwright.sync_api import expect

from tests.serve.fakes import fake_endpoint
from tests.serve.page.driver import ask, verdict

KEY = "sk-a-key-of-the-page"


@pytest.fixture
def locked(monkeypatch):
    """An endpoint that asks for KEY."""
    monkeypatch.setenv("SELFJ_API_KEYS", f"another,{KEY}")
    return fake_endpoint(change=lambda settings: setattr(settings.access, "open", False))


def enter(page, key):
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Continue").click()


def test_with_the_key_questions_are_answered(visit, locked):
    page = visit(locked)
    enter(page, f" {KEY} ")
    ask(page)
    assert verdict(page) == "Answered"


def test_a_wrong_key_is_refused(visit, locked):
    page = visit(locked)
    enter(page, "sk-wrong")
    expect(page.get_by_role("alert")).to_have_text("This key is not accepted.")
    expect(page.get_by_label("API key")).to_be_focused()
    enter(page, "schlüssel")
    expect(page.get_by_role("alert")).to_contain_text("only letters, digits and signs")


def test_the_key_stays_in_the_tab_and_is_forgotten_on_demand(visit, locked):
    page = visit(locked)
    enter(page, KEY)
    ask(page)
    page.reload()
    page.locator("#work").wait_for()
    assert page.evaluate("localStorage.length") == 0 and page.context.cookies() == []
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_label("API key")).to_be_visible()
    page.get_by_role("button", name="Forget the key").click()
    assert page.evaluate("sessionStorage.length") == 0
    expect(page.locator("#result")).not_to_be_visible()


def test_a_key_that_is_withdrawn_is_asked_for_again(visit, locked):
    page = visit(locked)
    enter(page, KEY)
    page.locator("#work").wait_for()
    page.evaluate("storeKey('sk-withdrawn')")
    page.get_by_label("Instruction", exact=True).fill("What is this?")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not accepted any more.")


def test_an_open_endpoint_asks_for_no_key(visit):
    page = visit(fake_endpoint())
    page.locator("#work").wait_for()
    expect(page.get_by_label("API key")).not_to_be_visible()
    expect(page.get_by_role("button", name="Forget the key")).not_to_be_visible()
