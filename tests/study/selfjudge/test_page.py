"""The report of SELF-JUDGE."""

import json
import re
from pathlib import Path

import pytest

from selfj.errors import DataError
from selfj.study.selfjudge.page import Page, html, title_of
from selfj.study.selfjudge.results import read_seed
from selfj.study.selfjudge.study import report_runs, write_selfjudge_report
from selfj.study.selfjudge.table import selfjudge_metrics
from tests.study.selfjudge.worlds import write_seed

REAL = {
    "human_agreement": {"agreement": 0.55, "voters": 0.8, "pairs": 100.0, "decided": 80.0, "flip_rate": 0.3, "unjudged": 0.0},
    "preferences": {
        "rows_in": 10, "pairs": 9, "rejected": 1, "considered": 5, "sft": 5, "judge": 10, "examples_rejected": 0,
    },
    "memory": {
        "parameters": 100, "weights_gb": 0.4,
        "adapter_off": {"copies": 1.0, "held_gb": 0.4, "peak_gb": 1.0},
        "separate_reference": {"copies": 2.0, "held_gb": 0.8, "peak_gb": 1.4},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    return folder, [read_seed(write_seed(folder, seed), seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def written(study):
    folder, results = study
    index = write_selfjudge_report(str(folder), "pocket", results, 100, "seeds: [1, 2, 3]", REAL)
    return Path(index).read_text(), json.loads((folder / "report/metrics.json").read_text())


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL))


def test_the_page_needs_nothing_from_outside(written):
    page, _ = written
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", page) and "<script" not in page


def test_the_headline_says_what_self_training_brought(written):
    page, metrics = written
    gain = metrics["above_start"]["on_policy"]
    assert "On-policy self-training lifts the mean grade of the policy’s answers from" in text_of(page)
    assert f"{gain['value']:.3f} ({gain['low']:.3f} to {gain['high']:.3f})" in text_of(page)


def test_every_section_of_the_contents_is_there(written):
    page, _ = written
    named = re.findall(r'<li><a href="#([\w-]+)"', page)
    assert named == ["table", "orders", "judge", "curves", "tournament", "people", "memory", "runs", "terms", "settings"]
    assert all(f'id="{name}"' in page for name in named)


def test_the_comparison_has_all_rows_with_the_papers_numbers_beside_them(written):
    said = text_of(written[0])
    assert all(title_of(name)[0] in said for name in ("sft", "start", "offline", "off_policy", "on_policy", "moving_judge"))
    assert all(number in said for number in ("24.75", "28.57", "32.03", "44.88", "42.38"))


def test_there_is_a_curve_for_each_figure_and_each_fits_two_screens(written):
    page, _ = written
    assert page.count("<figure") == 5 + 1 + 1
    assert page.count('class="wide"') == page.count('class="narrow"') == 7


def test_people_and_memory_are_told_where_they_were_measured(written, study):
    said = text_of(written[0])
    assert "agrees with the majority on 55.0 %" in said and "10 rows or pairs read, 9 pairs, 1 rejected" in said
    assert "a model of its own" in said
    bare = html(Page("pocket", selfjudge_metrics(study[1], 20), ""))
    assert 'id="people"' not in bare and 'id="memory"' not in bare


def test_texts_from_data_are_escaped(tmp_path):
    folder = write_seed(tmp_path, 1, {"<b>arm": 0.6})
    found = read_seed(folder, 1, {"x": "<script>alert(1)</script>"})
    page = html(Page("<i>", selfjudge_metrics([found], 20), "</pre>"))
    assert "<script" not in page and "<i>" not in page.replace("<i style", "") and "<b>arm" not in page
    assert "&lt;script&gt;" in page


def test_a_run_alone_has_a_report_too(tmp_path):
    folder = write_seed(tmp_path, 7, {"on_policy": 0.6}, sft=False)
    page = Path(report_runs([folder], str(tmp_path / "out"))).read_text()
    assert "1 seed (" in page and "24.75" not in page


def test_nothing_measured_is_an_error_that_says_why(tmp_path):
    found = read_seed(str(tmp_path / "nothing"), 1, {"start": "no such model"})
    with pytest.raises(DataError, match="no such model"):
        write_selfjudge_report(str(tmp_path), "x", [found], 10, "", {})
