"""What benchmarks/selfjudge_table.py keeps of a study, and how the results page shows it."""

import importlib.util
import sys
from pathlib import Path

import jinja2
import pytest

from selfj.study.selfjudge.results import read_seed
from selfj.study.selfjudge.table import selfjudge_metrics
from tests.study.selfjudge.test_page import REAL
from tests.study.selfjudge.worlds import GRADES, write_seed

HERE = Path(__file__).parents[2] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(HERE))
    try:
        yield load("selfjudge_table")
    finally:
        sys.path.remove(str(HERE))


@pytest.fixture(scope="module")
def figures(benchmark, tmp_path_factory):
    study = tmp_path_factory.mktemp("study")
    metrics = selfjudge_metrics([read_seed(write_seed(study, seed), seed) for seed in (1, 2)], 50)
    made = {**REAL["preferences"], "examples_in": 15, "validation": 0}
    return benchmark.summary({**metrics, **REAL, "preferences": made})


def test_the_figures_are_those_that_the_issue_names_each_with_its_interval(figures):
    assert list(figures["mean_grade"]) == ["sft", "start", *GRADES]
    for entry in (
        figures["judge_accuracy"],
        figures["flip_rate"],
        *figures["mean_grade"].values(),
        *figures["tournament"].values(),
    ):
        assert entry["low"] <= entry["value"] <= entry["high"] and set(entry["by_seed"]) == {"1", "2"}
    assert list(figures["tournament"]) == ["1", "2", "4", "8"] and figures["memory"]["adapter_off"]["copies"] == 1.0


def section(figures):
    page = load("page")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "sections"), trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(hundred=page.hundred, minutes=page.minutes, interval=page.interval)
    machine = {"cores": 2, "memory_gib": 24}
    result = {"figures": {"seconds": 3000.0, "peak_gb": 4.0, **figures}, "command": "x", "machine": machine, "date": "today"}
    return page.tidied(environment.get_template("selfjudge.jinja").render(results={"selfjudge_table": result}))


def test_the_section_shows_every_policy_and_size(figures):
    said = section(figures)
    assert "in **50 min 00 s**" in said and "on-policy, moving judge | 0." in said
    rows = [line for line in said.splitlines() if line.startswith("| ")]
    assert all(row.count("|") == rows[0].count("|") for row in rows[:7]), "a row has as many cells as the head"
    assert [row.split("|")[1].strip() for row in rows if row.split("|")[1].strip().isdigit()] == ["1", "2", "4", "8"]
    assert "agrees with the majority on 55.0 %" in said and "2.0 copies" in said


def test_what_was_not_measured_is_left_out(figures):
    said = section({**figures, "human_agreement": None, "preferences": None, "memory": None})
    assert "PandaLM" not in said and "UltraFeedback" not in said and "Memory" not in said


def test_a_study_with_a_name_is_gone_on_with(benchmark):
    assert benchmark.without_name(["--seeds", "[1]", "--name", "mine", "--pairs", "5"]) == ["--seeds", "[1]", "--pairs", "5"]
    assert benchmark.without_name(["--seeds", "[1]"]) == ["--seeds", "[1]"]
