"""Ray clusters of several nodes on this machine: three that stay until one is killed, and one that grows and shrinks.

Each is a process of its own: `ray.cluster_utils.Cluster` and a Ray that the tests have joined do not go together in one process.
    python -m tests.cluster.nodes       three nodes beside a head; prints the address, kills a node for each line it reads
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.local import Head, free_ports, stop_head
from tests.cluster.manifests import ROOT

NODES = 3
LIMIT_S = 600
_STORE = 80_000_000
"""Bytes of each node's object store; what passes through it is a few numbers."""
_FAST_CHECKS = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
_FAKE_NODES = "ray.autoscaler._private.fake_multi_node.node_provider"


class Nodes:
    """A cluster of three nodes with one CPU each, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address = self._answer()

    def kill_one(self) -> None:
        """kill -9 of one node with all that runs on it."""
        assert self._process.stdin is not None
        self._process.stdin.write("kill\n")
        self._process.stdin.flush()
        assert self._answer() == "killed"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        answer = self._process.stdout.readline().strip()
        assert answer, "the cluster has ended"
        return answer


@contextmanager
def three_nodes() -> Iterator[Nodes]:
    """Three nodes beside a head that computes nothing."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.nodes"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Nodes(process)
    finally:
        process.communicate(timeout=LIMIT_S)  # the end of its input is the end of the cluster


@contextmanager
def growing_cluster(folder: Path) -> Iterator[str]:
    """Address of a head that computes nothing, whose autoscaler starts up to three nodes with one CPU each.

    Ray's real autoscaler over its fake machines. `ray.cluster_utils.AutoscalingCluster` would end every Ray on this machine
    first, and reads a file that the wheel lacks.
    """
    from ray._private.services import get_node_ip_address
    from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

    gcs, agent, client = free_ports((0, 0, 0))
    address = f"{get_node_ip_address()}:{gcs}"
    (folder / "autoscaler.json").write_text(json.dumps(autoscaling(address, FAKE_HEAD_NODE_ID)))
    ports = [f"--port={gcs}", f"--dashboard-agent-listen-port={agent}", f"--ray-client-server-port={client}"]
    options = [*ports, "--include-dashboard=false", "--num-cpus=0", f"--object-store-memory={_STORE}"]
    fake = {"RAY_FAKE_CLUSTER": "1", "RAY_enable_autoscaler_v2": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}
    names = {"RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID, "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID}
    with (folder / "head.log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", *options,
             f"--autoscaling-config={folder / 'autoscaler.json'}", "--disable-usage-stats"],
            cwd=ROOT, env={**os.environ, **fake, **names}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_until(lambda: workers_of(address) == 0)
        yield address
    finally:
        stop_head(Head(process.pid, ""))


def autoscaling(address: str, head: str) -> dict[str, object]:
    """A cluster configuration as `ray up` reads it, for machines that are processes of this one."""
    return {
        "cluster_name": "grows",
        "max_workers": NODES,
        "upscaling_speed": 100,
        "idle_timeout_minutes": 1.0,
        "provider": {
            "type": "external",
            "module": f"{_FAKE_NODES}.FakeMultiNodeProvider",
            "gcs_address": address,
            "head_node_id": head,
            "launch_multiple": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {
                "resources": {"CPU": 1, "object_store_memory": _STORE},
                "node_config": {},
                "min_workers": 0,
                "max_workers": NODES,
            },
        },
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "cluster_synced_files": [],
        "initialization_commands": [],
        "setup_commands": [],
        "head_setup_commands": [],
        "worker_setup_commands": [],
        "head_start_ray_commands": [],
        "worker_start_ray_commands": [],
    }


def workers_of(address: str) -> int | None:
    """Nodes that are there beside the head; None before the head answers."""
    from ray._raylet import GcsClient

    try:
        nodes = GcsClient(address=address).get_all_node_info(timeout=5)
    except Exception:  # whatever gRPC says while nothing listens yet
        return None
    return sum(node.state == 0 and not node.is_head_node for node in nodes.values())  # 0: alive


def wait_until(happened: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
    """Wait until something is so; AssertionError after the limit."""
    until = time.monotonic() + limit_s
    while not happened():
        assert time.monotonic() < until, "what the test waits for did not happen in time"
        time.sleep(0.05)


def main() -> None:
    """Three nodes, until the input ends."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": _STORE, "include_dashboard": False, "_system_config": _FAST_CHECKS}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(NODES):
            cluster.add_node(num_cpus=1, object_store_memory=_STORE)
        print(cluster.address, flush=True)
        for _ in sys.stdin:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
            print("killed", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main()
