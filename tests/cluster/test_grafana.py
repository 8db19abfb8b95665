"""The Grafana dashboard names metrics and tags that the endpoint has, and its panels do not overlap."""

import json
import re
from pathlib import Path

from selfj.serve.observe.catalogue import INSTRUMENTS, RAY_SERIES

BOARD = json.loads((Path(__file__).parents[2] / "cluster" / "grafana" / "selfj.json").read_text())
VARIABLES = {variable["name"]: variable for variable in BOARD["templating"]["list"]}
EXPRESSIONS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]
QUERIES = EXPRESSIONS + [variable.get("definition", "") for variable in VARIABLES.values()]
OF_RAY = {"application", "deployment", "replica", "le"}
TAGS = {series: {*instrument.tags, *OF_RAY} for instrument in INSTRUMENTS for series in instrument.series}
TAGS |= {series: OF_RAY for series in RAY_SERIES}
SELECTOR = re.compile(r"(ray_\w+)(?:\{([^}]*)\})?")


def test_every_metric_it_names_exists():
    named = {name for query in QUERIES for name, _ in SELECTOR.findall(query)}
    assert named <= set(TAGS)


def test_every_metric_of_the_endpoint_is_shown():
    shown = {name for expression in EXPRESSIONS for name, _ in SELECTOR.findall(expression)}
    assert all(set(instrument.series) & shown for instrument in INSTRUMENTS)
    assert set(RAY_SERIES) <= shown


def test_sums_of_histograms_are_not_shown():
    """Ray 2.60 adds up the middles of buckets, not what was observed."""
    assert not any(f"ray_{instrument.name}_sum" in query for instrument in INSTRUMENTS for query in QUERIES)


def test_every_tag_it_selects_by_belongs_to_its_metric():
    for query in QUERIES:
        for name, selectors in SELECTOR.findall(query):
            assert {tag for tag in re.findall(r"(\w+)(?:=~|!=|!~|=)", selectors)} <= TAGS[name], query


def test_every_tag_it_groups_by_or_prints_belongs_to_a_metric_of_the_panel():
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            tags = set.union(*(TAGS[name] for name, _ in SELECTOR.findall(target["expr"])))
            grouped = {tag.strip() for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for tag in group.split(",")}
            printed = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert grouped <= tags and printed <= grouped, panel["title"]


def test_every_variable_it_uses_is_defined():
    used = set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(BOARD)))
    assert used <= set(VARIABLES)


def test_panels_do_not_overlap():
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in BOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


def test_parentheses_are_balanced():
    assert all(expression.count("(") == expression.count(")") for expression in EXPRESSIONS)
