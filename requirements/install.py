"""Make .venv and install what Self-J needs into it; says nothing if that is done already.

    python3 requirements/install.py            the pinned CPU set (about 3 minutes)
    python3 requirements/install.py --gpu      vllm and a CUDA torch, resolved by pip
    python3 requirements/install.py --fresh    the same from an empty .venv

Needs nothing but Python, and is written so that an old Python can still read it and say that it is too old.
The folder can be another than .venv: set VENV. `make` calls this script before every target.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = (ROOT / os.environ.get("VENV", ".venv")).absolute()
PYTHON = str(VENV / "bin" / "python")
STAMP = VENV / ".installed"
PINNED = ("requirements/cpu.txt", "requirements/dev.txt", "pyproject.toml")


def main() -> int:
    """Install if the stamp in .venv does not match the requirements, then check that the environment is whole."""
    if not (3, 11) <= sys.version_info[:2] < (3, 15):
        found = f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
        return complain(f"Self-J needs Python 3.11 to 3.14, this is {found}; name another one: make PYTHON=python3.11")
    options = read_options()
    kind = "gpu" if options.gpu else read_stamp()[0]
    try:
        if options.fresh or read_stamp() != (kind, fingerprint()):
            install(kind, options.fresh)
    except subprocess.CalledProcessError as error:
        return complain(f"this command failed, its own words are above: {' '.join(map(str, error.cmd))}")
    return subprocess.run([PYTHON, "-m", "selfj.environment", "--quiet"], cwd=ROOT).returncode


def complain(line: str) -> int:
    """Print one line to standard error; the exit status of a failure."""
    print(f"install: {line}", file=sys.stderr)
    return 1


def read_options() -> argparse.Namespace:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true", help="install vllm and a CUDA torch instead of the CPU set")
    parser.add_argument("--fresh", action="store_true", help="empty .venv first")
    return parser.parse_args()


def fingerprint() -> str:
    """Changes when anything that decides what gets installed does."""
    content = b"".join((ROOT / name).read_bytes() for name in PINNED)
    return hashlib.sha256(content + str(ROOT).encode()).hexdigest()


def read_stamp() -> tuple:
    """(kind, fingerprint) of what .venv holds; ("cpu", "") if it holds nothing whole."""
    words = STAMP.read_text().split() if STAMP.exists() else []
    return (words[0], words[1]) if len(words) == 2 else ("cpu", "")


def install(kind: str, fresh: bool) -> None:
    """Fill .venv; the stamp is written last, so that an interrupted install is taken up again."""
    start = time.time()
    print(f"installing the {kind} set into {VENV} (once, about 3 minutes)", flush=True)
    STAMP.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "venv", *(["--clear"] if fresh else []), str(VENV)], check=True)
    pip = [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    if kind == "gpu":
        subprocess.run([*pip, "--editable", ".[gpu,dev]"], cwd=ROOT, check=True)
    else:
        subprocess.run([*pip, "--no-deps", "-r", "requirements/cpu.txt", "-r", "requirements/dev.txt"], cwd=ROOT, check=True)
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."], cwd=ROOT, check=True)
    STAMP.write_text(f"{kind} {fingerprint()}\n")
    print(f"installed in {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
