"""Figures that are kept beside what they were made with, so that the same command does not make them twice."""

import json
from collections.abc import Callable
from typing import Any

from selfj.run import RunFolder


def kept(folder: RunFolder, name: str, made_with: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The figures in `NAME.json` if they were made with the same (a hash), else new ones, which are written there."""
    file = f"{name}.json"
    if folder.store.exists(file):
        known = json.loads(folder.store.read(file))
        if known["made_with"] == made_with:
            return dict(known["figures"])
    figures = make()
    folder.store.write(file, json.dumps({"made_with": made_with, "figures": figures}, indent=1).encode())
    return figures
