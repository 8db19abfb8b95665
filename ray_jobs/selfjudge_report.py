"""The report of finished SELF-JUDGE runs, one for each seed: `python ray_jobs/selfjudge_report.py RUN [RUN …]`."""

import sys

from selfj.errors import SelfJError
from selfj.study.selfjudge.study import report_runs

if __name__ == "__main__":
    try:
        print(f"done: {report_runs(sys.argv[1:])}" if sys.argv[1:] else __doc__, flush=True)
    except SelfJError as problem:
        print(f"error: {problem}", file=sys.stderr, flush=True)
        raise SystemExit(2) from None
