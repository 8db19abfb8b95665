"""The curl examples of docs/serving.md work, and their answers look as the page shows them."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from selfj.serve.observe.catalogue import INSTRUMENTS
from tests.serve.fakes import FakeJudge, FakePolicy, fake_app
from tests.serve.ports import listening

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
ADDRESS = "http://127.0.0.1:8000"
BLOCK = re.compile(r"```(sh|json)\n(.*?)```", re.DOTALL)
KEY = "a-key-for-the-examples"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")


@dataclass(frozen=True)
class Example:
    """A command, and the answer that the page shows below it, if it does."""

    command: str
    shown: Any


def examples() -> list[Example]:
    blocks = BLOCK.findall(PAGE)
    following = [*blocks[1:], ("", "")]
    return [
        Example(text, json.loads(answer) if kind == "json" else None)
        for (language, text), (kind, answer) in zip(blocks, following, strict=True)
        if language == "sh"
    ]


EXAMPLES = examples()


@pytest.fixture(scope="module")
def fake_address() -> Iterator[str]:
    """An endpoint with keys whose judge likes the right answer."""
    os.environ["SELFJ_API_KEYS"] = KEY
    policy, judge = FakePolicy(["3 + 4 is 7."]), FakeJudge({"3 + 4 is 7.": 7.25, "3 + 4 is 8.": 2.0})
    try:
        with listening(fake_app(policy, judge, lambda settings: setattr(settings.access, "open", False))) as address:
            yield address
    finally:
        del os.environ["SELFJ_API_KEYS"]


def run(example: Example, address: str) -> str:
    environment = {**os.environ, "SELFJ_KEY": KEY}
    command = ["bash", "-euc", example.command.replace(ADDRESS, address).replace("curl ", "curl --silent --show-error ")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_looks_like(answer: Any, shown: Any, place: str = "") -> None:
    """The same fields everywhere, with values of the same kind; null in place of any."""
    if isinstance(shown, dict) and answer is not None:
        assert list(sorted(answer)) == list(sorted(shown)), place
        for name, value in shown.items():
            assert_looks_like(answer[name], value, f"{place}.{name}")
    elif isinstance(shown, list) and answer is not None:
        assert len(answer) == len(shown), place
        for number, (one, other) in enumerate(zip(answer, shown, strict=True)):
            assert_looks_like(one, other, f"{place}.{number}")
    elif None not in (answer, shown):
        assert isinstance(answer, float if isinstance(shown, float) else type(shown)), place


def check(example: Example, address: str) -> None:
    answer = run(example, address)
    if example.shown is not None:
        assert_looks_like(json.loads(answer), example.shown)
    elif '"stream": true' in example.command:
        assert answer.rstrip().endswith("data: [DONE]")


def title(example: Example) -> str:
    return re.sub(r"\W+", "_", example.command.partition("-H")[0] + str(example.command.count("best_of")))[-40:]


@pytest.mark.parametrize("example", EXAMPLES, ids=title)
def test_an_example_runs_as_shown(example, fake_address):
    check(example, fake_address)


def test_the_examples_that_show_an_error_have_its_words(fake_address):
    (example,) = [example for example in EXAMPLES if example.shown and "error" in example.shown]
    assert json.loads(run(example, fake_address)) == example.shown


@pytest.mark.ray
@pytest.mark.parametrize("example", EXAMPLES, ids=title)
def test_an_example_runs_on_the_real_endpoint(example, served):
    check(example, served.url)


def test_the_page_lists_the_metrics_that_there_are():
    rows = re.findall(r"^\| `(ray_selfj\w+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    expected = [
        (f"ray_{one.name}" + ("_total" if one.kind == "counter" else ""), ", ".join(one.tags), one.description)
        for one in INSTRUMENTS
    ]
    assert rows == expected
