"""Functions of the user's own that settings name as MODULE:FUNCTION."""

import importlib
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
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as problem:
        raise DataError(f"{setting}: {address} cannot be imported ({problem}); MODULE:FUNCTION is expected") from None
    if not callable(function):
        raise DataError(f"{setting}: {address} is no function")
    return function  # type: ignore[no-any-return]
