"""The collect step without Ray: plans and parts are made one after the other in the test's own process."""

from collections.abc import Callable

import pytest

from selfj import parts
from selfj.collect import step
from selfj.collect.sources import Plan, plan_source
from selfj.collect_settings import CollectSettings
from selfj.parts import PartMaker, Pool, Table
from selfj.run import RunFolder


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what the step makes and says; that Ray's workers make the same is a test of its own."""
    monkeypatch.setattr(parts, "_make_missing", make_here)
    monkeypatch.setattr(step, "_plan", plan_here)


def make_here(run: RunFolder, table: Table, missing: list[int], maker: Callable[[], PartMaker], pool: Pool, done: int) -> None:
    """What Ray's workers do, with their own class."""
    worker = parts._Worker(run.address, table.name, maker)
    for start in range(0, len(missing), pool.together):
        for counts in worker(missing[start : start + pool.together]):
            if counts["error"]:
                raise parts._from_text(counts["error"])


def plan_here(settings: CollectSettings) -> list[Plan]:
    """Plans of all sources."""
    return [plan_source(number, settings, strict=settings.strict) for number in range(len(settings.sources))]
