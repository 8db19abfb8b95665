"""The page is one document that nothing can be added to."""

import base64
import hashlib
import re

import pytest
from starlette.testclient import TestClient

from selfj.serve.app import create_app
from selfj.serve.page.document import assemble, page_document
from tests.serve.fakes import fake_app, fake_endpoint

SMALL = {
    "index.html": '<link rel="stylesheet" href="a.css"><script src="b.js"></script><script src="c.js"></script>',
    "a.css": "p { margin: 0 }",
    "b.js": 'const backslash = "\\\\1";',
    "c.js": "start();",
}


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_files_are_put_in_their_places_as_they_are():
    html = assemble(SMALL.__getitem__).html
    assert html == f"<style>{SMALL['a.css']}</style><script>{SMALL['b.js']}</script><script>start();</script>"


def test_the_policy_allows_what_is_inline_by_its_hash_and_nothing_else():
    policy = assemble(SMALL.__getitem__).policy
    assert f"style-src {hash_of(SMALL['a.css'])};" in policy
    assert f"script-src {hash_of(SMALL['b.js'])} {hash_of('start();')};" in policy
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy


def test_a_script_that_would_end_its_own_element_is_refused():
    with pytest.raises(ValueError, match="</script, which would end it"):
        assemble({**SMALL, "c.js": 'const text = "</SCRIPT>";'}.__getitem__)


def test_the_page_names_no_other_address():
    html = page_document().html.replace("http://www.w3.org/2000/svg", "")
    assert not re.findall(r"(?:https?:)?//[a-z]|@import|url\(", html)
    assert not re.findall(r'(?:src|href)="(?!#|data:)', html), "something was left to load"


def test_no_element_has_a_style_or_a_handler_of_its_own():
    assert not re.findall(r"<[^>]* (?:style|on\w+)=", re.sub(r"<(script|style)>.*?</\1>", "", page_document().html, flags=re.S))


def test_the_page_is_sent_with_its_policy():
    answer = TestClient(fake_app()).get("/")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == page_document().policy
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_where_keys_are_asked_for_the_page_itself_is_the_refusal_that_asks_for_one(monkeypatch):
    monkeypatch.setenv("SELFJ_API_KEYS", "sk-a-key")
    endpoint = fake_endpoint(change=lambda settings: setattr(settings.access, "open", False))
    answer = TestClient(create_app(endpoint)).get("/")
    assert answer.status_code == 401
    assert "This endpoint asks for a key" in answer.text and "pocket" not in answer.text


def test_the_page_can_be_left_out():
    assert TestClient(fake_app(change=lambda settings: setattr(settings, "page", False))).get("/").status_code == 404
