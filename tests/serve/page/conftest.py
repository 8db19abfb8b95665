"""The page in headless Chromium, on an endpoint of fakes that listens on a real port."""

import contextlib
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from selfj.serve.app import create_app
from selfj.serve.endpoint import Endpoint
from tests.serve.ports import listening

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
"""Debian's package chromium; playwright's own download is not needed."""
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is open the thread has a running event loop, which other tests could not start theirs in."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open the page of an endpoint of fakes, or at an address; options are those of a browser context (viewport …).

    At the end of the test nothing may have gone wrong in the page, or been asked of another host.
    """
    with contextlib.ExitStack() as stack:
        problems: list[str] = []

        def opened(endpoint: Endpoint | str, **options) -> Page:
            url = endpoint if isinstance(endpoint, str) else stack.enter_context(listening(create_app(endpoint)))
            context = browser.new_context(**options)
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(10_000)
            _watch(page, url, problems)
            page.goto(url)
            return page

        yield opened
        assert problems == []


def _watch(page: Page, url: str, problems: list[str]) -> None:
    page.on("console", lambda message: _note(message.type, message.text, problems))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: None if _is_allowed(request.url, url) else problems.append(f"asked for {request.url}"))


def _note(kind: str, text: str, problems: list[str]) -> None:
    if kind in ("error", "warning") and not text.startswith("Failed to load resource"):  # the page says that in its own words
        problems.append(text)


def _is_allowed(address: str, url: str) -> bool:
    return address.startswith((f"{url}/", "data:"))
