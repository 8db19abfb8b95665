"""Starting the endpoint: on this machine (`selfj serve`), from a Ray job, or by `serve deploy`."""

import contextlib
import os
import signal
import socket
import tempfile
from typing import Any

import yaml

from selfj.errors import SelfJError, SettingsError
from selfj.serve.front import set_environment
from selfj.serve.settings import ServeSettings, check_serve_settings, read_serve_settings
from selfj.serve.watch import EndpointLost, wait_while_served

APPLICATION = "selfj"
"""Name of the application in Ray Serve."""
KEEP_ALIVE_S = 20
"""An idle connection of a client is closed after this: it takes the place of one that asks."""


def build(arguments: dict[str, Any]) -> Any:
    """For `serve deploy`: settings as in configs/serve.yaml (and `config`, a file of them) → the application.

    Raises SettingsError, in one line, for settings that do not fit.
    """
    from selfj.serve.deployments import application

    return application(settings_of(arguments))


def settings_of(arguments: dict[str, Any]) -> ServeSettings:
    """Settings from nested values; `config` names a YAML file below them."""
    given = dict(arguments)
    config = given.pop("config", None)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(given, file)
        file.flush()
        return read_serve_settings([*(["--config", str(config)] if config else []), "--config", file.name], "serve deploy")


def serve_run(settings: ServeSettings) -> None:
    """Serve until SIGINT or SIGTERM, then drain. On the Ray cluster of the job or of RAY_ADDRESS, else on one for this process.

    Raises SelfJError, in one line, if it cannot be served, or is ended from elsewhere.
    """
    from selfj.environment import check_environment
    from selfj.serve.guard.keys import read_keys
    from selfj.serve.served import ServedRun

    check_serve_settings(settings)
    check_environment()
    read_keys(settings.access)
    ServedRun.of(settings)  # what cannot be served is said before Ray starts
    own, lost = _join_ray(settings), False
    for name in (signal.SIGINT, signal.SIGTERM):  # after Ray, which has a handler of its own
        signal.signal(name, signal.default_int_handler)
    try:
        _deploy(settings)
        print(f"ready: http://{settings.host}:{settings.port}", flush=True)
        wait_while_served(APPLICATION)
    except KeyboardInterrupt:
        print("stopping: what has begun is finished", flush=True)
        _drain(settings)
    except EndpointLost:
        lost = True
        raise
    finally:
        _leave(own, lost)


def _deploy(settings: ServeSettings) -> None:
    from ray import serve
    from ray.exceptions import RayError

    from selfj.serve.deployments import application

    app = application(settings)
    try:
        serve.start(
            proxy_location="EveryNode",
            http_options={
                "host": settings.host,
                "port": settings.port,
                "request_timeout_s": None,
                "keep_alive_timeout_s": KEEP_ALIVE_S,
            },
            logging_config={"enable_access_log": False, "log_level": "WARNING"},
        )
        serve.run(app, name=APPLICATION, route_prefix="/")
    except (RuntimeError, RayError) as problem:
        raise SelfJError(f"the endpoint did not start: {' '.join(str(problem).split())[-600:]}") from None


def _join_ray(settings: ServeSettings) -> bool:
    """Join the cluster that is there, or start one; whether it is our own."""
    import ray

    from selfj.jobs import start_ray

    if os.environ.get("RAY_ADDRESS") or os.environ.get("RAY_JOB_ID"):
        if not ray.is_initialized():
            ray.init(logging_level="WARNING")
        return False
    _check_port(settings)  # on a cluster, a Ray Serve that is there already may hold it
    if ray.is_initialized():
        return False
    set_environment(settings.ingress_replicas)
    start_ray(
        address="local",
        num_cpus=max(os.cpu_count() or 1, _cpus(settings)),
        include_dashboard=False,
        _metrics_export_port=settings.metrics_port or None,
        object_store_memory=200_000_000,
        logging_level="WARNING",
    )
    return True


def _cpus(settings: ServeSettings) -> int:
    judges = 2 if settings.comparing else 1  # as many that compare as that score
    replicas = settings.policy_replicas.max_replicas + judges * settings.judge_replicas.max_replicas
    return int(replicas * settings.engine.cpus_per_worker) + 1


def _check_port(settings: ServeSettings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            raise SettingsError(f"port: {settings.host}:{settings.port} cannot be listened on ({problem.strerror})") from None


def _drain(settings: ServeSettings) -> None:
    """Before Ray Serve stops anything: it would stop engines that the ingress still needs, and the proxy before its requests."""
    from selfj.serve.deployments import INGRESS
    from selfj.serve.draining import drain

    try:
        left = drain(APPLICATION, INGRESS, settings.drain_s)
    except Exception as problem:  # stopped while it started, or Ray is gone: there is nothing to wait for
        print(f"not drained: {type(problem).__name__}", flush=True)
    else:
        print(f"{left} requests are left unfinished" if left else "all are finished", flush=True)


def _leave(own: bool, lost: bool) -> None:
    """Take the endpoint away; where it is lost, there is nobody to ask for that."""
    import ray
    from ray import serve

    if not lost:
        with contextlib.suppress(TimeoutError):  # Ray Serve waits a minute; replicas that need longer go on
            serve.delete(APPLICATION)
    if own:
        if not lost:
            serve.shutdown()
        ray.shutdown()
