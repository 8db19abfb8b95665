"""100 rejects of the four real files that were read one by one: which are wrong, by filter, then and now.

    python benchmarks/rejects_read.py

They were drawn with a seed from the 230 rejects that all filters and the search for near duplicates made on 21 November 2026, of
each kind up to 20. Exact duplicates are not among them: benchmarks/collect_real_data.py checks all of those. The verdicts lie in
benchmarks/results/rejects_read.json, with the first words of each row. The filters were mended after that; this collects the
files anew with everything on, and notes which of the hundred are still rejected for the same kind of reason.
"""

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from processes import ROOT
from record import write_result

from selfj.collect.collected import CollectedMaker
from selfj.collect.explain import rejects_of
from selfj.collect.near.clusters import ClusterMaker
from selfj.collect.near.pairs import PairMaker, pair_parts
from selfj.collect.near.signatures import BandMaker
from selfj.collect.near.verify import VerifyMaker, verify_parts
from selfj.collect.quality.chosen import KINDS
from selfj.collect.sources import plan_source
from selfj.collect.step import UNIQUE_ROWS
from selfj.collect.summary import kind_of
from selfj.collect.unique import UniqueMaker, plan_ranges
from selfj.config import load_settings
from selfj.parts import PartMaker
from selfj.run import RunFolder

RESULT = Path(__file__).parent / "results" / "rejects_read.json"


def main() -> None:
    """Collect, compare with the verdicts, write benchmarks/results/rejects_read.json."""
    verdicts = json.loads(RESULT.read_text())["figures"]["verdicts"]
    with tempfile.TemporaryDirectory() as folder:
        rejects = {(source, row): kind_of(reason) for source, row, reason, _ in rejects_of(collected_in(folder))}
    for verdict in verdicts:
        verdict["still_rejected"] = rejects.get((verdict["source"], verdict["row"])) == verdict["filter"]
    figures = {"by_filter": by_filter(verdicts, Counter(rejects.values())), "all": rates(verdicts), "verdicts": verdicts}
    print(json.dumps(figures["by_filter"], indent=1))
    print(write_result("rejects_read", figures, "python benchmarks/rejects_read.py"))


def collected_in(folder: str) -> RunFolder:
    """The files of configs/shared_data.yaml collected with everything on, by the step's own makers in this process."""
    settings = load_settings(ROOT / "configs" / "shared_data.yaml").collect
    for name in KINDS:
        getattr(settings.filters, name).enabled = True
    near, run = settings.near_duplicates, RunFolder(folder)
    shards = [shard for number in range(len(settings.sources)) for shard in plan_source(number, settings).shards]
    rows = made(run, "collected", CollectedMaker(settings, shards), len(shards))
    ranges = plan_ranges(run.table("collected"), rows, None, UNIQUE_ROWS)
    unique = made(run, "unique", UniqueMaker(ranges), ranges.parts)
    bands = made(run, "bands", BandMaker(near), ranges.parts)
    pairs = made(run, "near_pairs", PairMaker(pair_parts(bands)), pair_parts(bands))
    verified = VerifyMaker(near, verify_parts(pairs), ranges.parts, max(1, unique // ranges.parts))
    made(run, "near_verified", verified, verify_parts(pairs))
    made(run, "near_duplicates", ClusterMaker(near.keep, [shard.label for shard in shards]), 1)
    ranges = plan_ranges(run.table("unique"), unique, None, settings.rows_per_part, run.table("near_duplicates"))
    made(run, "instructions", UniqueMaker(ranges, "unique", "near_duplicates"), ranges.parts)
    return run


def made(run: RunFolder, table: str, maker: PartMaker, parts: int) -> int:
    """Rows of a table, once all its parts are made."""
    rows = 0
    for number in range(parts):
        part = maker.make(run, number)
        rows += run.table(table).write(number, part.rows, part.rejects, part.rows_in).rows_out
    return rows


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
