"""100 rejects of the four real files that were read one by one: which are wrong, by filter, then and now.

    python benchmarks/rejects_read.py

They were drawn with a seed from the 230 rejects that all filters and the search for near duplicates made on 21 November 2026, of
each kind up to 20. Exact duplicates are not among them: benchmarks/collect_real_data.py checks all of those. The verdicts lie in
benchmarks/results/rejects_read.json, with the first words of each row. The filters were mended after that; this collects the
files anew with everything on, and notes which of the hundred are still rejected for the same kind of reason.
"""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from processes import ROOT, measured
from record import write_result

from selfj.collect.explain import rejects_of
from selfj.collect.quality.chosen import KINDS
from selfj.collect.summary import kind_of
from selfj.run import RunFolder

RESULT = Path(__file__).parent / "results" / "rejects_read.json"


def main() -> None:
    """Collect, compare with the verdicts, write benchmarks/results/rejects_read.json."""
    verdicts = json.loads(RESULT.read_text())["figures"]["verdicts"]
    with tempfile.TemporaryDirectory() as folder:
        measured([sys.executable, "ray_jobs/collect.py", "--config", str(write_config(Path(folder)))])
        rejects = {(source, row): kind_of(reason) for source, row, reason, _ in rejects_of(RunFolder(f"{folder}/rejects"))}
    for verdict in verdicts:
        verdict["still_rejected"] = rejects.get((verdict["source"], verdict["row"])) == verdict["filter"]
    figures = {"by_filter": by_filter(verdicts, Counter(rejects.values())), "all": rates(verdicts), "verdicts": verdicts}
    print(json.dumps(figures["by_filter"], indent=1))
    print(write_result("rejects_read", figures, "python benchmarks/rejects_read.py"))


def write_config(folder: Path) -> Path:
    """configs/shared_data.yaml with everything on."""
    settings = yaml.safe_load((ROOT / "configs" / "shared_data.yaml").read_text())
    settings |= {"name": "rejects", "runs": str(folder)}
    settings["collect"] |= {"filters": {name: {"enabled": True} for name in KINDS}, "near_duplicates": {"enabled": True}}
    path = folder / "rejects.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def by_filter(verdicts: list[dict[str, Any]], rejected: Counter[str]) -> dict[str, dict[str, Any]]:
    """Rejects of each kind now, and the share of those read that were wrong."""
    kinds = dict.fromkeys(verdict["filter"] for verdict in verdicts)
    return {
        kind: {"rejected_now": rejected[kind], **rates([verdict for verdict in verdicts if verdict["filter"] == kind])}
        for kind in kinds
    }


def rates(verdicts: list[dict[str, Any]]) -> dict[str, int]:
    """How many were read and wrong, and the same of those that are still rejected."""
    still = [verdict for verdict in verdicts if verdict["still_rejected"]]
    wrong, still_wrong = (sum(verdict["verdict"] == "wrong" for verdict in some) for some in (verdicts, still))
    return {"read": len(verdicts), "wrong": wrong, "still_rejected": len(still), "still_wrong": still_wrong}


if __name__ == "__main__":
    main()
