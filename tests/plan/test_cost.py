"""Node hours of clusters that grow and shrink, their price, and the room that files take."""

from pathlib import Path

import pytest
import yaml

from selfj.plan.basis import Stage, Workers
from selfj.plan.cost import Prices, node_hours, price
from selfj.plan.rates import NODE_IDLE_SECONDS, NODE_START_SECONDS, SPOT_LOSS, Cluster

THREE_NODES = Cluster(cpus=24, gpus=12, nodes=3)
AROUND = NODE_START_SECONDS + NODE_IDLE_SECONDS


def stage(gpus: int, seconds: float | None) -> Stage:
    """A step on engines with one GPU each."""
    return Stage("sample", "responses", 1, 1, Workers(gpus, 1, "GPU"), seconds=seconds)


def scaled(*stages: Stage) -> float | None:
    """Seconds of nodes that come and go."""
    hours = node_hours(stages, THREE_NODES, None).scaled
    return None if hours is None else round(hours * 3600)


def test_workers_lie_on_as_few_nodes_as_they_fit_on() -> None:
    found = [Workers(count, each, "GPU").nodes(THREE_NODES) for count, each in ((1, 1), (4, 1), (5, 1), (2, 3), (9, 4))]
    assert found == [1, 1, 2, 2, 3]


def test_no_worker_is_spread_over_two_nodes() -> None:
    assert Workers(2, 3, "GPU").at_once(THREE_NODES) == 2 and Workers(9, 3, "GPU").at_once(THREE_NODES) == 3
    assert Workers(1, 8, "GPU").at_once(THREE_NODES) == Workers(1, 8, "GPU").nodes(THREE_NODES) == 0


def test_a_node_costs_its_work_its_start_and_its_idle_end() -> None:
    assert scaled(stage(4, 1000)) == 1000 + AROUND
    assert scaled(stage(12, 1000)) == 3 * (1000 + AROUND)


def test_a_node_stays_through_a_short_pause_and_goes_in_a_long_one() -> None:
    short, long = NODE_IDLE_SECONDS - 1, NODE_IDLE_SECONDS + 1
    assert scaled(stage(8, 100), stage(4, short), stage(8, 100)) == 2 * (200 + short + AROUND)
    assert scaled(stage(8, 100), stage(4, long), stage(8, 100)) == 200 + long + AROUND + 2 * (100 + AROUND)


def test_nodes_that_stay_cost_the_whole_time_of_the_run() -> None:
    assert node_hours([stage(4, 1000)], THREE_NODES, 3600).kept == 3 * (1 + NODE_START_SECONDS / 3600)


def test_unknown_times_leave_the_hours_unknown() -> None:
    hours = node_hours([stage(4, None)], THREE_NODES, None)
    assert hours.scaled is hours.kept is None
    assert price(None, Prices(node=2.0)) == (None, None)


def test_spot_nodes_do_lost_work_again() -> None:
    assert price(10, Prices(node=2.0, spot=1.0)) == (20, pytest.approx(10 * (1 + SPOT_LOSS)))
    assert price(10, Prices(spot=1.0))[0] is None


@pytest.mark.parametrize("name", ["ray_up/aws", "ray_up/on_premise"])
def test_the_idle_time_is_that_of_our_clusters(name: str) -> None:
    config = yaml.safe_load((Path(__file__).parents[2] / "cluster" / f"{name}.yaml").read_text())
    assert config["idle_timeout_minutes"] * 60 == NODE_IDLE_SECONDS
