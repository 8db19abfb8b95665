"""Complete synthetic runs, written once and read by many tests."""

import pytest

from selfj.run import RunFolder
from tests.evaluate.synthetic import World, write_run


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of 600 instructions, one policy, all methods; not to be changed."""
    run = RunFolder(str(tmp_path_factory.mktemp("runs") / "finished"))
    write_run(run, World())
    return run


@pytest.fixture
def small_run(run_folder: RunFolder) -> RunFolder:
    """A run of 90 instructions that a test may change."""
    write_run(run_folder, World(instructions=90))
    return run_folder
