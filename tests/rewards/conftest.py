"""A judge endpoint on a real port."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.serve.fakes import FakeJudge, fake_app
from tests.serve.ports import listening

LONG = "instruction alone takes 900 of 512 tokens"


@dataclass
class Served:
    """The endpoint of a test, whose judge the test may change."""

    url: str
    judge: FakeJudge


@pytest.fixture
def served() -> Iterator[Served]:
    """Rates `good` 9, `bad` 1, others 6; cannot judge `long`. The default promise has the threshold 5."""
    judge = FakeJudge({"good": 9.0, "bad": 1.0, "long": None})
    with listening(fake_app(judge=judge)) as url:
        yield Served(url, judge)
