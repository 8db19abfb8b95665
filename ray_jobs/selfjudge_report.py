"""The report of finished SELF-JUDGE runs, one for each seed: `python ray_jobs/selfjudge_report.py RUN [RUN …]`."""

import sys

from selfj.errors import told
from selfj.study.selfjudge.study import report_runs

if __name__ == "__main__":
    with told():
        print(f"done: {report_runs(sys.argv[1:])}" if sys.argv[1:] else __doc__, flush=True)
