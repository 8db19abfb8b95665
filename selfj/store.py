"""Files below one address, on any file system that fsspec knows, and hashes of what lies there."""

import contextlib
import hashlib
import json
import os
import tempfile
import time
from typing import Any

import fsspec

from selfj.errors import RunFolderError
from selfj.plugins import module_file

TORN = ".tmp"
"""Ending of a file that is being written; one that a killed writer left behind means nothing."""


class Store:
    """Files below one address, on any file system that fsspec knows; every write is all or nothing."""

    def __init__(self, root: str) -> None:
        self.filesystem, self.root = fsspec.core.url_to_fs(root)
        self.is_local = "file" in (
            self.filesystem.protocol if isinstance(self.filesystem.protocol, tuple) else (self.filesystem.protocol,)
        )
        # A worker may have another working folder: what is handed to it is never relative.
        self.address = self.root if self.is_local else root.rstrip("/")

    def path(self, name: str) -> str:
        """Where `name` lies on its file system."""
        return f"{self.root}/{name}" if name else self.root

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder `name`."""
        return bool(self.filesystem.exists(self.path(name)))

    def names(self, folder: str) -> list[str]:
        """Names of what lies in a folder, sorted; none if there is no such folder."""
        try:
            found = self.filesystem.ls(self.path(folder), detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def read(self, name: str) -> bytes:
        """All bytes of a file."""
        return bytes(self.filesystem.cat_file(self.path(name)))

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it is whole or absent.

        Raises RunFolderError if it cannot be written (no permission, disk full).
        """
        try:
            self.filesystem.makedirs(self.path(name).rsplit("/", 1)[0], exist_ok=True)
            if self.is_local:
                _write_local(self.path(name), content)
            else:
                self.filesystem.pipe_file(self.path(name), content)
        except OSError as problem:
            raise RunFolderError(
                f"{self.address}/{name}: cannot be written ({problem.strerror or problem}); "
                "free space or choose another folder with --runs"
            ) from None

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.filesystem.rm(self.path(name), recursive=True)


def _write_local(path: str, content: bytes) -> None:
    beside = f"{path}.{os.getpid()}.{time.monotonic_ns()}{TORN}"
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def local_copy(address: str) -> str:
    """A folder as this machine's libraries can read it: itself if it is local, else a copy in a temporary folder."""
    store = Store(address)
    if store.is_local:
        return store.address
    folder = tempfile.mkdtemp(prefix="selfj-")
    store.filesystem.get(store.path("") + "/", folder + "/", recursive=True)
    return folder


def hash_of(value: Any) -> str:
    """64-bit hash of plain values, as hexadecimal digits."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def content_hash(address: str, sample: int = 1 << 20) -> str:
    """Hash of a file's size and its first and last MiB, or of a folder's files; of the text itself if there is no such file.

    Enough to notice another file or another model without reading terabytes.
    """
    filesystem, path = fsspec.core.url_to_fs(address)
    if not filesystem.exists(path):
        return hash_of(address)
    files = sorted(filesystem.find(path)) if filesystem.isdir(path) else [path]
    digest = hashlib.blake2b(digest_size=8)
    for file in files:
        size = filesystem.size(file)
        digest.update(f"{file.removeprefix(path)}:{size};".encode())
        with filesystem.open(file, "rb") as stream:
            digest.update(stream.read(sample))
            if size > 2 * sample:
                stream.seek(size - sample)
                digest.update(stream.read(sample))
    return digest.hexdigest()


def function_hash(address: str) -> str:
    """Hash of `MODULE:FUNCTION` and its module's file; of the name alone if it is part of selfj, which has a version."""
    file = module_file(address)
    return hash_of([address, content_hash(file)] if file else address)
