"""API keys: who may ask. Kept as hashes, compared in constant time."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from selfj.errors import SettingsError
from selfj.serve.errors import error_response
from selfj.serve.guard.base import Guard
from selfj.serve.settings import AccessSettings

OPEN = ("/health", "/health/live")
"""Paths that may be read without a key."""
_PREFIX = "bearer "


@dataclass(frozen=True)
class Keys:
    """Hashes of the keys that are accepted."""

    hashes: tuple[bytes, ...]

    @classmethod
    def of(cls, keys: Iterable[str]) -> "Keys":
        """Keep the hashes of some keys."""
        return cls(tuple(_hash(key) for key in keys))

    def accept(self, presented: str) -> bool:
        """Whether it is one of the keys. Takes as long for a wrong key as for a right one, whichever it is."""
        found = _hash(presented)
        return any([hmac.compare_digest(found, known) for known in self.hashes])  # a list: none is left out


def read_keys(access: AccessSettings) -> Keys | None:
    """The keys of file and environment together; None if the endpoint asks for none (`access.open`).

    Raises SettingsError, without showing any key, for a file that cannot be read, a key that no client could send, and if there
    is no key at all.
    """
    if access.open:
        return None
    named = [*_of_file(access.keys_file), *_of_variable(access.keys_variable)]
    if not named:
        raise SettingsError(
            f"access: no API key; put keys into a file (access.keys_file) or into the environment variable "
            f"{access.keys_variable}, or set access.open to ask for none on this machine alone"
        )
    for place, key in named:
        if not all("!" <= character <= "~" for character in key):
            raise SettingsError(f"{place}: an API key has printable ASCII characters only, and no blank")
    return Keys.of(key for _, key in named)


def _of_file(path: str) -> list[tuple[str, str]]:
    if not path:
        return []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as problem:
        raise SettingsError(f"access.keys_file: {path} cannot be read ({getattr(problem, 'strerror', 'not UTF-8')})") from None
    keys = [(f"access.keys_file, line {number}", line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    return [(place, key) for place, key in keys if key]


def _of_variable(name: str) -> list[tuple[str, str]]:
    keys = [key.strip() for key in os.environ.get(name, "").split(",")] if name else []
    return [(f"environment variable {name}, key {number}", key) for number, key in enumerate(keys, 1) if key]


class RequireKey(Guard):
    """401 for every request without a key, but to read some open paths."""

    def __init__(self, app: ASGIApp, keys: Keys, open_paths: Sequence[str] = OPEN) -> None:
        super().__init__(app)
        self._keys, self._open = keys, frozenset(open_paths)

    async def guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        is_open = scope["method"] == "GET" and scope["path"] in self._open
        problem = None if is_open else self._problem(Headers(scope=scope).getlist("authorization"))
        if problem is None:
            await self._app(scope, receive, send)
        else:
            response = error_response(401, problem, "authentication_error", "Authorization", {"WWW-Authenticate": "Bearer"})
            await response(scope, receive, send)

    def _problem(self, presented: list[str]) -> str | None:
        if len(presented) != 1 or presented[0][: len(_PREFIX)].lower() != _PREFIX:
            return "Authorization: give an API key as `Authorization: Bearer KEY`"
        return None if self._keys.accept(presented[0][len(_PREFIX) :].strip()) else "Authorization: this API key is not known"


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
