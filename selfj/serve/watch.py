"""Whether the endpoint is still there: who has deployed it should not wait for what somebody else has ended."""

import queue
import threading
from collections.abc import Callable

from selfj.errors import SelfJError

EVERY_S = 2.0
PATIENCE_S = 60.0
"""Ray Serve's controller comes back by itself, in less than this."""
GONE = "DELETING"
"""What Ray Serve calls an application that is on its way out."""


class EndpointLost(SelfJError):
    """The endpoint has ended without our doing."""


def wait_while_served(application: str, every_s: float = EVERY_S, patience_s: float = PATIENCE_S) -> None:
    """Wait as long as Ray Serve has the application.

    Raises EndpointLost when it has it no more, or says nothing for `patience_s` seconds.
    """
    said: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended = threading.Event()
    threading.Thread(target=_report, args=(application, said.put, every_s, ended), name="watch", daemon=True).start()
    try:
        while said.get(timeout=patience_s) != GONE:
            pass
    except queue.Empty:
        raise EndpointLost(f"Ray Serve has said nothing for {patience_s:g} s; the endpoint is lost") from None
    finally:
        ended.set()
    raise EndpointLost("the endpoint was ended from elsewhere (serve shutdown, serve delete)")


def _report(application: str, say: Callable[[str], None], every_s: float, ended: threading.Event) -> None:
    """Say the application's state again and again; nothing while Ray Serve does not answer."""
    while not ended.is_set():
        state = _state(application)
        if state is not None:
            say(state)
        ended.wait(every_s)


def _state(application: str) -> str | None:
    """The application's state; None if there is no controller, or none that answers."""
    from ray import serve
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    try:
        status = serve.status()
    except (RayError, RayServeException):
        return None
    found = status.applications.get(application)
    if found is not None:
        return str(found.status.value)
    return GONE if status.proxies else None  # without a controller, Ray Serve's status is empty
