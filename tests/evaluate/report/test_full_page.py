import re
from itertools import pairwise

import pytest

from selfj.evaluate.report.page import HTML
from selfj.evaluate.report.sections import SECTIONS
from selfj.evaluate.step import report
from selfj.run import RunFolder
from tests.evaluate.report.full_run import write_full_run
from tests.evaluate.report.test_page import Page
from tests.evaluate.synthetic import World


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    run = RunFolder(str(tmp_path_factory.mktemp("runs") / "full"))
    report(run, write_full_run(run, World(instructions=300)))
    return run.store.read(HTML).decode()


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_every_section_is_there(html):
    for section in SECTIONS:
        assert f'id="p1-{section.key}"' in html
    assert 'id="ranking"' in html


def test_the_contents_lead_to_every_section(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    targets = {attrs["href"][1:] for tag, attrs in page.tags if tag == "a"}
    assert len(ids) == len(set(ids))
    assert targets <= set(ids)
    assert {key for key in ids if key.startswith("p1-") and "-wide-" not in key and "-narrow-" not in key} <= targets


def test_all_rows_stand_beside_the_papers(page):
    for words in ("VRO", "GPT-X", "Reward model (org/reward)", "Judge (Cosine labels only)", "Self-J without self-distillation"):
        assert words in page.text
    for number in ("48.25", "47.85", "59.98", "70.42", "73.09", "70.34", "11.68", "41.12", "11.46", "20.62", "43.54", "52.98"):
        assert number in page.text
    for number in ("47.40", "45.29", "54.56", "58.65"):
        assert number in page.text
    assert "Self-J that never saw academic" in page.text


def test_what_was_null_says_so_beside_its_numbers(page):
    assert "the endpoint refused: content filter" in page.text
    assert re.search(r"score: GPT-X without reference \d+ of \d+", page.text)
    assert re.search(r"9\d\.\d %", page.text)
    assert "AURC of all answers" in page.text


def test_headings_come_in_order(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_header_cell_has_a_scope_and_every_chart_words(page):
    assert all(attrs.get("scope") in ("col", "row", "rowgroup", "colgroup") for tag, attrs in page.tags if tag == "th")
    figures = [attrs for tag, attrs in page.tags if tag == "figure"]
    assert len(figures) == 6
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in figures)
    assert all(attrs.get("aria-hidden") == "true" for tag, attrs in page.tags if tag == "svg")


def test_prompts_are_folded_and_escaped(html, page):
    folded = re.findall(r"<details><summary>(Student|Teacher) prompt.*?</summary><pre[^>]*>(.*?)</pre>", html, flags=re.DOTALL)
    assert [kind for kind, _ in folded] == ["Student", "Teacher"] * 10
    assert all("Rate the answer from 0 to 9." in text for _, text in folded)
    assert "<script" not in html


def test_the_promises_and_the_ranking_have_their_numbers(page):
    for words in (
        "mean quality at least 0.60, with 95 % confidence",
        "pocket, temperature 0.3",
        "93.0",
        "Stopping when the judge is sure",
    ):
        assert words in page.text
