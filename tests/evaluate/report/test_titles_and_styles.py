import re
from pathlib import Path

import pytest

from selfj.evaluate import report
from selfj.evaluate.methods import METHODS, TASK_MEAN, methods_of
from selfj.evaluate.predictions import PredictedBy
from selfj.evaluate.report.styles import DASHES, HUES, MARKERS, STYLES, styles_of
from selfj.evaluate.report.titles import PAPER, not_run, titles_of
from tests.evaluate.report.full_run import full_settings

CSS = (Path(report.__file__).parent / "templates" / "report.css").read_text()


def all_methods(run_folder):
    return methods_of(full_settings(run_folder))


def test_each_method_has_a_name_of_its_own(run_folder):
    methods = all_methods(run_folder)
    titles = titles_of(methods, {method.name: {"with_reference": method.with_reference} for method in methods})
    names = [title.full for title in titles.values()]
    assert len(set(names)) == len(names) == len(methods) + 1
    assert {"Self-J without reference", "GPT-X with reference", "GPT-X without reference", "VRO", "Task mean"} <= set(names)


def test_a_method_of_another_version_is_called_by_its_name():
    titles = titles_of(METHODS, {"new_thing": {"with_reference": True}})
    assert (titles["new_thing"].full, titles["new_thing"].with_reference) == ("new thing", True)


def test_the_papers_rows_agree_with_the_methods(run_folder):
    paper = {row.name: row.pearson for row in PAPER}
    for method in all_methods(run_folder):
        if method.name in paper:
            assert method.paper == paper[method.name]
    assert len(PAPER) == 16


def test_rows_that_were_not_run_are_those_of_the_paper_that_are_left():
    titles = titles_of(METHODS, {method.name: {"with_reference": method.with_reference} for method in METHODS})
    names = [row.title for row in not_run(titles.values(), with_reference=False)]
    assert names[:3] == ["VRO", "GPT-3.5-turbo", "Auto-J-13b"]
    assert "Self-J" not in names


def test_a_judge_from_outside_takes_the_place_of_the_papers_row_that_it_is_set_beside(run_folder):
    methods = all_methods(run_folder)
    titles = titles_of(methods, {method.name: {"with_reference": method.with_reference} for method in methods})
    assert [row.title for row in not_run(titles.values(), with_reference=False)] == ["Auto-J-13b"]
    assert not not_run(titles.values(), with_reference=True)


def test_a_judge_that_is_set_beside_no_number_takes_the_place_of_no_row():
    judge = PredictedBy("gpt", "GPT", with_reference=False, paper=None, outside=True)
    assert [row.title for row in not_run([judge], with_reference=False) if row.name is None] == [
        "GPT-3.5-turbo", "Auto-J-13b", "UltraRM-13b",
    ]  # fmt: skip


def test_no_two_lines_look_the_same_even_without_colour(run_folder):
    methods = all_methods(run_folder)
    styles = styles_of([*(method.name for method in methods), TASK_MEAN])
    for with_reference in (True, False):
        panel = [styles[method.name] for method in methods if method.with_reference == with_reference]
        assert len({(style.dash, style.marker) for style in panel}) == len(panel)


def test_spare_styles_differ_for_the_first_five_unknown_methods():
    styles = styles_of(["a", "b", "c", "d", "e"])
    assert len({(style.hue, style.marker) for style in styles.values()}) == 5
    assert styles_of(["judge", "judge_other"])["judge_other"].dash == "solid"


def test_every_style_can_be_drawn():
    for style in STYLES.values():
        assert style.hue in (*HUES, "muted")
        assert style.dash in DASHES
        assert style.marker in (*MARKERS, "")
        assert style.swatch.count("<path") == 1 + bool(style.marker)


def variables(block):
    return dict(re.findall(r"(--[a-z-]+): (#[0-9a-f]{6})", block))


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_lines_stand_out_from_what_they_lie_on(mode):
    light, dark = (variables(block) for block in re.findall(r":root \{(.*?)\}", CSS, flags=re.DOTALL)[:2])
    colours = light if mode == "light" else {**light, **dark}
    for name in ("--ink", "--muted", "--accent", "--good-ink", "--poor-ink"):
        for ground in ("--page", "--card", *(["--world"] if name == "--muted" else [])):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)
    for name in [f"--series-{hue}" for hue in HUES] + ["--muted"]:
        assert contrast(colours[name], colours["--card"]) >= 4, name
    for name in ("--good", "--poor"):
        assert contrast(colours[name], colours["--card"]) >= 2.5, name
