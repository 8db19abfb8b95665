"""What tests share: a local Ray and a fresh run folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfj.jobs import start_ray
from selfj.run import RunFolder
from selfj.serve.front import PATIENT

# Ray reads this once for a process and hands it to the servers it starts: it must not change under it. Heads that tests start by
# cluster/local.py are processes of their own, with tokens.
os.environ["RAY_AUTH_MODE"] = "disabled"
os.environ.update(PATIENT)  # for proxies of Ray Serve that tests start

SHARED = Path(os.environ.get("SELFJ_SHARED", Path(__file__).parents[2] / "shared"))
"""Real public data for development; tests that use it are skipped where it is absent."""


@pytest.fixture(scope="session")
def ray_local() -> Iterator[None]:
    """One local Ray for all tests: four logical CPUs, so that small pools fit beside each other on two cores."""
    import ray

    if not ray.is_initialized():
        start_ray(address="local", num_cpus=4, object_store_memory=200_000_000, include_dashboard=False, logging_level="WARNING")
        ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture
def run_folder(tmp_path: Path) -> RunFolder:
    """An empty run folder."""
    return RunFolder(str(tmp_path / "run"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the shared data sets."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the shared data is not on this machine")
    return SHARED / "data"
