"""An endpoint without keys serves its own machine only, whatever interface its proxy listens on."""

import ipaddress
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from selfj.serve.errors import error_response
from selfj.serve.guard.base import Guard


class LoopbackOnly(Guard):
    """403 for clients of other machines, and for pages of other sites.

    The name in `Host` is what tells a page whose own name was pointed at 127.0.0.1 (DNS rebinding) from a local client.
    """

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        problem = _problem(scope)
        if problem is None:
            await self._app(scope, receive, send)
        else:
            await error_response(403, *problem)(scope, receive, send)


def _problem(scope: Scope) -> tuple[str, str, str] | None:
    kind = "permission_error"
    if not _is_local((scope.get("client") or ("",))[0]):
        return "access.open: this endpoint asks for no key, and so serves its own machine only", kind, "client"
    if not _is_local(_name(Headers(scope=scope).get("host", ""))):
        return "Host: this endpoint asks for no key, and so is reached as localhost or 127.0.0.1 only", kind, "Host"
    return None


def _name(host: str) -> str:
    """The name in `NAME:PORT` or `[ADDRESS]:PORT`."""
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


@lru_cache(maxsize=1024)
def _is_local(name: str) -> bool:
    """Loopback addresses, and names without a dot, which no other site can have."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.lower().endswith(".localhost")
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
