"""Functions of the user's own that settings name as MODULE:FUNCTION."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

from selfj.errors import DataError


def load_function(address: str, setting: str) -> Callable[..., Any]:
    """The function `address` names, also from the working folder.

    Raises DataError, naming the setting, if there is none.
    """
    module, _, name = address.partition(":")
    _look_in_working_folder()
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise DataError(f"{setting}: {address} cannot be imported ({problem}); MODULE:FUNCTION is expected") from None
    if not callable(function):
        raise DataError(f"{setting}: {address} is no function")
    return function  # type: ignore[no-any-return]


def module_file(address: str) -> str | None:
    """The file of the module that `address` names; None if it is part of selfj, or there is no such file."""
    module = address.partition(":")[0]
    _look_in_working_folder()
    try:
        found = None if module.split(".")[0] == "selfj" else importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    return found.origin if found and found.has_location else None


def _look_in_working_folder() -> None:
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
