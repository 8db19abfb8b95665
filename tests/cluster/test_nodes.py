"""Collect and sample on several nodes: a cluster that loses a node, or grows from nothing, makes what one machine makes."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from selfj.collect import collect
from selfj.config import load_settings
from selfj.run import RunFolder
from tests.cluster.manifests import ROOT
from tests.cluster.nodes import LIMIT_S, NODES, Nodes, growing_cluster, three_nodes, wait_until, workers_of
from tests.faults.commands import command

SOURCES, ROWS = 12, 500
KEY = {"instructions": "instruction_id", "responses": "response_id"}


def write_settings(folder: Path, rows: int, workers: int = NODES) -> Path:
    """Sources that share a third of their rows, and the pocket policy on one CPU an engine."""
    folder.mkdir(exist_ok=True)
    sources = [
        {"path": "selfj.pocket.world:instructions", "name": f"world-{i}", "rows": rows, "seed": 1 + i % (2 * SOURCES // 3)}
        for i in range(SOURCES)
    ]
    settings = {
        "prompts": "short",
        "policy": {"model": str(ROOT / "selfj/pocket/policies/base"), "name": "pocket"},
        "collect": {"sources": sources, "rows_per_part": 24, "max_instructions": 12 * 24, "workers": workers},
        "engine": {"device": "cpu", "threads": 1, "workers": workers},
        "sample": {"max_tokens": 24},
    }
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def run_of(config: Path, name: str) -> RunFolder:
    """A new run folder beside its settings."""
    return RunFolder(str(config.parent / "runs" / name))


def parts(run: RunFolder, table: str) -> int:
    """Parts of a table that are finished."""
    return len(list(Path(run.path(table)).glob("part-*.parquet")))


def rows(run: RunFolder, table: str) -> pa.Table:
    """A finished table, in the order of its keys."""
    manifest = run.table(table).manifest()
    assert manifest is not None and manifest.finished and manifest.rows_in == manifest.rows_out + manifest.rejected
    found = run.table(table).read_all().sort_by(KEY[table])
    assert found.num_rows == manifest.rows_out == len(set(found.column(KEY[table]).to_pylist())) > 0
    return found


def finish(process: "subprocess.Popen[bytes]", config: Path) -> None:
    """Wait for a step's script; its log if it failed."""
    try:
        code = process.wait(LIMIT_S)
    finally:
        process.kill()
    assert code == 0, "\n".join(log.read_text()[-2000:] for log in config.parent.rglob("*.log"))


def kill_a_node_in_the_middle(nodes: Nodes, run: RunFolder, table: str, process: "subprocess.Popen[bytes]") -> int:
    """Kill a node once the first part of a table is there; parts that were there then."""
    wait_until(lambda: parts(run, table) > 0 or process.poll() is not None)
    nodes.kill_one()
    return parts(run, table)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_settings(tmp_path_factory.mktemp("nodes"), ROWS)


@pytest.fixture(scope="module")
def alone(config: Path, ray_local: None) -> RunFolder:
    """Collected and sampled on one machine, with one worker."""
    settings = write_settings(config.parent / "alone", ROWS, workers=1)
    run = run_of(settings, "alone")
    collect(run, load_settings(settings))
    finish(command(settings, run, "sample"), settings)
    return run


@pytest.fixture
def submitted() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts a step's script on a cluster; what still runs at the end of the test is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def submit(config: Path, run: RunFolder, step: str, address: str) -> "subprocess.Popen[bytes]":
        started.append(command(config, run, step, address=address))
        return started[-1]

    yield submit
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.ray
@pytest.mark.timeout(2 * LIMIT_S)
def test_a_node_that_is_killed_while_it_collects_costs_no_row(
    tmp_path: Path, ray_local: None, submitted: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    config = write_settings(tmp_path, rows=2 * ROWS)
    here, there = run_of(config, "here"), run_of(config, "there")
    collect(here, load_settings(config))
    with three_nodes() as nodes:
        process = submitted(config, there, "collect", nodes.address)
        before = kill_a_node_in_the_middle(nodes, there, "collected", process)
        finish(process, config)
    assert before < SOURCES, "all parts were there already"
    assert rows(there, "instructions").equals(rows(here, "instructions"))
    assert parts(there, "collected") == parts(here, "collected")


@pytest.mark.cluster
@pytest.mark.timeout(4 * LIMIT_S)
def test_three_nodes_of_which_one_is_killed_sample_what_one_machine_does(
    config: Path, alone: RunFolder, submitted: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    run = run_of(config, "three")
    with three_nodes() as nodes:
        finish(submitted(config, run, "collect", nodes.address), config)
        assert workers_of(nodes.address) == NODES
        process = submitted(config, run, "sample", nodes.address)
        before = kill_a_node_in_the_middle(nodes, run, "responses", process)
        finish(process, config)
        assert workers_of(nodes.address) == NODES - 1
    assert before < parts(run, "instructions"), "all parts were there already"
    for table in KEY:
        assert rows(run, table).equals(rows(alone, table)), table


@pytest.mark.cluster
@pytest.mark.timeout(4 * LIMIT_S)
def test_a_cluster_that_grows_from_nothing_and_shrinks_again_makes_what_one_machine_does(
    config: Path, alone: RunFolder, tmp_path: Path, submitted: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    run, seen = run_of(config, "grown"), set[int | None]()
    with growing_cluster(tmp_path) as address:
        for step in ("collect", "sample"):
            process = submitted(config, run, step, address)
            while process.poll() is None:
                seen.add(workers_of(address))
                time.sleep(0.3)
            finish(process, config)
        wait_until(lambda: workers_of(address) == 0)
    assert {0, NODES} <= seen
    for table in KEY:
        assert rows(run, table).equals(rows(alone, table)), table
