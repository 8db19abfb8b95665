"""Run tests that prove a claim of docs/results.md, and write down what each of them did and how long it took.

python benchmarks/proofs.py faults | any_model | bad_input | clusters
"""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

from record import write_result

ROOT = Path(__file__).parents[1]
CLAIMS = {
    "faults": [
        "tests/faults",
        "tests/judge/test_step.py",
        "tests/collect/test_step.py",
        "tests/test_parts.py",
        "-k",
        "killed or full_disk",
    ],
    "clusters": ["tests/cluster/test_nodes.py"],
    "any_model": ["tests/test_any_model.py"],
    "bad_input": [
        "tests/collect",
        "tests/test_sample.py",
        "tests/test_prompts.py",
        "tests/test_labels.py",
        "tests/test_run.py",
        "tests/test_tables.py",
        "tests/test_store.py",
    ],
}
"""What pytest is asked to run for each claim."""


def main(claim: str) -> int:
    """Run the tests of one claim and write benchmarks/results/CLAIM.json; pytest's own exit status is returned."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        status = subprocess.run(
            [sys.executable, "-m", "pytest", *CLAIMS[claim], f"--junitxml={report}"], cwd=ROOT, check=False
        ).returncode
        tests = dict(outcome(case) for case in ElementTree.parse(report).iter("testcase"))
    found = [test["outcome"] for test in tests.values()]
    figures = {
        "passed": found.count("passed"),
        "failed": found.count("failed"),
        "skipped": found.count("skipped"),
        "tests": tests,
    }
    print(write_result(claim, figures, f"python benchmarks/proofs.py {claim}"))
    return status


def outcome(case: ElementTree.Element) -> tuple[str, dict[str, Any]]:
    """Name of a test, what became of it, and its seconds."""
    kinds = {child.tag for child in case}
    became = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
    return case.get("name", ""), {"outcome": became, "seconds": round(float(case.get("time", 0)), 1)}


if __name__ == "__main__":
    if sys.argv[1:2] == [] or sys.argv[1] not in CLAIMS:
        raise SystemExit(f"error: say which claim: {', '.join(CLAIMS)}")
    raise SystemExit(main(sys.argv[1]))
