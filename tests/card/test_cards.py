"""Both cards of a collection: what they say, that texts are escaped, that the page needs nothing from outside."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from selfj import cli
from selfj.card import HTML, MARKDOWN, write_cards
from selfj.card.facts import facts_of, first_word
from selfj.card.lengths import classes
from selfj.errors import RunFolderError
from selfj.run import RunFolder
from tests.card.made_run import add_clusters, finish, made_run, settings

CLASSIFIED = {
    "kind": "centroids",
    "categories": {"common": 3, "coding": 1},
    "undecided": {"similarity below 0.3": 1},
    "held_out": {"coding": {"coding": 9, "null": 1}, "common": {"common": 8, "coding": 2}},
}


@pytest.fixture
def run(run_folder: RunFolder) -> RunFolder:
    return made_run(run_folder)


def test_the_markdown_card_tells_where_the_instructions_come_from_and_what_they_are(run: RunFolder) -> None:
    lines = write_cards(run, settings())[MARKDOWN].splitlines()
    assert lines[0] == "# mine & <yours>: 4 instructions"
    assert lines[2] == "6 rows read = 4 kept + 2 rejected. Splits: test 1, train 3"
    assert "| a\\|b | common | MIT | 6 | 4 | 9 |  |" in lines
    assert "| gone.jsonl | by row | not stated | 0 | 0 |  | <no such file> |" in lines
    assert "Median 11, longest 13." in lines and "Median 2, longest 2." in lines
    assert f"| write | 2 | {'█' * 30} |" in lines and f"| sort | 1 | {'█' * 15} |" in lines
    assert f"| write poem | 1 | {'█' * 30} |" in lines
    assert f"| MIT | 3 | {'█' * 30} |" in lines and f"| not stated | 1 | {'█' * 10} |" in lines
    assert "| collect.min_words, max_words | 1 | 16.67% | instruction too short 1 |" in lines
    assert any(line.startswith("| near | 3 |") for line in lines) and any(
        line.startswith("| largest cluster | 3 |") for line in lines
    )


def test_the_page_says_the_same_and_holds_all_that_it_needs(run: RunFolder) -> None:
    page = write_cards(run, settings())[HTML]
    assert run.store.read(HTML).decode() == page
    assert "<h1>Data card: mine &amp; &lt;yours&gt;</h1>" in page and "<yours>" not in page
    assert "&lt;no such file&gt;" in page
    assert "4 instructions from 1 source, in 2 categories." in page
    assert page.count("<svg") == 6, "lengths of instructions and references, verbs; wide and narrow"
    assert not re.search(r"https?://(?!www\.w3\.org/)|<script|<link|@import|url\((?!#)", page)
    assert "default-src 'none'" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) and set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert write_cards(run, settings())[HTML] == page, "the same collection gives the same file"


def test_what_was_not_asked_for_has_no_section(run: RunFolder) -> None:
    cards = write_cards(run, settings())
    assert "Diversity" not in cards[MARKDOWN] and 'id="diversity"' not in cards[HTML] and "The classifier" not in cards[HTML]


def test_the_classifier_is_told_with_its_held_out_examples(run: RunFolder) -> None:
    finish(run, "categories", CLASSIFIED)
    cards = write_cards(run, settings())
    asked = "5 rows were classified by the nearest centroid of labelled examples; 1 were left open (similarity below 0.3: 1)."
    assert asked in cards[MARKDOWN] and asked in cards[HTML]
    assert "Of 20 held-out examples 17 (85.0%) got the category that they have" in cards[MARKDOWN]
    assert "- coding: coding 9, left open 1" in cards[MARKDOWN].splitlines()
    assert '<th scope="row">common</th><td>2</td><td class="agrees">8</td><td>0</td>' in cards[HTML]


def test_diversity_stands_beside_a_uniform_sample(run: RunFolder) -> None:
    cards = write_cards(add_clusters(run, kept=[0, 1, 2, 3], others=[0] * 12), settings())
    assert "4 of 16 instructions in 4 clusters of embedding space." in cards[MARKDOWN]
    assert "| clusters covered | 100.0% | 43.8% |" in cards[MARKDOWN]
    assert "| clusters of equal size | 4 | 2 |" in cards[MARKDOWN]
    assert "<td>100.0 %</td><td>43.8 %</td>" in cards[HTML]


def test_an_unfinished_collection_has_no_card(run_folder: RunFolder) -> None:
    with pytest.raises(RunFolderError, match="not finished"):
        facts_of(run_folder, settings())


def test_restarting_from_collect_throws_the_card_away(run: RunFolder) -> None:
    write_cards(run, settings())
    run.restart_from("collect")
    assert not run.store.exists(HTML)


def test_lengths_fall_into_classes_of_which_the_last_is_open() -> None:
    found = classes(Counter({1: 2, 4: 3, 1000: 1, 5000: 1}))
    assert found["1"] == 2 and found["2–4"] == 3 and found["1000 or more"] == 2 and sum(found.values()) == 7


def test_a_first_word_that_is_none_is_left_out() -> None:
    assert [first_word(text) for text in ("Hello, world", "", "42 is it", "  (Why)")] == ["hello", "", "", "why"]


@pytest.mark.ray
def test_the_command_writes_both_cards_and_a_copy(ray_local: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "a.jsonl"
    data.write_text("".join(json.dumps({"instruction": f"Write a poem {i}", "output": "it"}) + "\n" for i in range(4)))
    config = tmp_path / "config.yaml"
    config.write_text(
        json.dumps(
            {"name": "c", "runs": str(tmp_path), "policy": {"model": "none"}, "collect": {"sources": [{"path": str(data)}]}}
        )
    )
    assert cli.main(["collect", str(config), "--card", str(tmp_path / "copy.html")]) == 0
    assert (tmp_path / "c" / "card" / "card.md").read_text().startswith("# c: 4 instructions")
    assert (tmp_path / "copy.html").read_text() == (tmp_path / "c" / "card" / "index.html").read_text()
    assert f"data card: {tmp_path / 'copy.html'}" in capsys.readouterr().out
