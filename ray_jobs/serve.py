"""The judge endpoint of a run, until the job is stopped. `--help` lists every setting."""

import sys

from selfj.errors import SelfJError
from selfj.serve.launch import serve_run
from selfj.serve.settings import read_serve_settings

if __name__ == "__main__":
    try:
        serve_run(read_serve_settings())
    except SelfJError as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None
