"""Rankings of systems: the pocket systems by the judge, and the models of AlpacaEval by similarity to the reference.

    python benchmarks/ranking.py [pocket] [alpacaeval]

Pocket: `runs/systems`, as configs/systems.yaml makes it. AlpacaEval: ../shared/data. What is not named keeps its last figures.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from record import write_result

from selfj.evaluate.data.rank import RankJob, rank_data
from selfj.evaluate.data.reading import Columns
from selfj.evaluate.data.scorers import ScorerOptions

ROOT = Path(__file__).parents[1]
ALPACAEVAL = ROOT.parent / "shared/data/ranking/alpacaeval_v1_models.parquet"
POCKET = ROOT / "runs/systems/outputs"
CACHE = ROOT / "runs/alpacaeval/cache"
"""Embeddings of the 12,000 answers: half an hour on a busy laptop, kept in case it is stopped."""
SIMILARITIES = ("cosine",)
"""The default of `selfj rank`: what the pipeline calls similarity. `cosine_whole` can be added, for another half hour."""


def main(*parts: str) -> int:
    """Rank; write benchmarks/results/ranking.json."""
    figures = _figures_so_far()
    for part in parts or ("pocket", "alpacaeval"):
        figures[part] = _pocket() if part == "pocket" else _alpacaeval()
    print(write_result("ranking", figures, "python benchmarks/ranking.py"))
    return 0


def _figures_so_far() -> dict[str, Any]:
    file = ROOT / "benchmarks/results/ranking.json"
    return dict(json.loads(file.read_text())["figures"]) if file.is_file() else {}


def _pocket() -> dict[str, Any]:
    return _ranked(RankJob(str(POCKET), "", columns=Columns(score="judge", truth="grade")), "judge")


def _alpacaeval() -> dict[str, Any]:
    columns = Columns(truth="win_rate")
    made = [RankJob(str(ALPACAEVAL), "", name, columns, ScorerOptions((name,), cache=str(CACHE))) for name in SIMILARITIES]
    first, *others = (_ranked(job, job.method) for job in made)
    return {**first, "variants": {entry["method"]: {**entry, "ranking": None} for entry in others}}


def _ranked(job: RankJob, method: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        job.out = folder
        found = rank_data(job)
        median = _spearman_of_median_length(Path(folder) / "scores.parquet")
    agreement = found["agreement"]
    return {
        "method": method,
        **{name: found[name] for name in ("systems", "instructions", "rows", "scored")},
        **agreement[method],
        **{f"length_{name}": value for name, value in agreement["length"].items() if name != "systems"},
        "length_median_spearman": median,
        "difference_to_length": found["differences"]["length"],
        "ranking": found["ranking"],
    }


def _spearman_of_median_length(file: Path) -> float:
    """Spearman of the systems' median length with the truth: runaway answers spoil the mean, so this is the harder baseline."""
    table = pq.read_table(file, columns=["system", "characters", "truth"]).to_pandas()
    medians = table.groupby("system").agg({"characters": "median", "truth": "mean"})
    return round(float(medians["characters"].corr(medians["truth"], method="spearman")), 6)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
