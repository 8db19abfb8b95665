"""The whole of SELF-JUDGE on the pocket world, as small as it can be: JSFT, a round, verdicts, tournaments, the report."""

import json
import re
from pathlib import Path

import pytest

from selfj.study.selfjudge.study import main
from tests.conftest import SHARED

ROOT = Path(__file__).parents[3]
SMALL = {
    "settings": (
        "{jsft: {batch_size: 24, validation_examples: 20, max_examples: 48, validate_every: 2},"
        " preferences: {held_out_fraction: 0.2, prompts_fraction: 0.2, test_fraction: 0.2},"
        " self_training: {rounds: 2, round_prompts: 6, batch_size: 6, final_prompts: 8,"
        " validation_examples: 4, answer_tokens: 16}}"
    ),
    "arms": "{on_policy: {}, offline: {mode: offline, max_examples: 12}}",
    "seeds": "[1]",
    "pairs": "20",
    "tournament": "4",
    "tournament_prompts": "6",
    "bootstrap": "50",
}


def arguments(tmp_path: Path) -> list[str]:
    small = tmp_path / "small.yaml"
    text = re.sub(r"rows: \d+", "rows: 160", (ROOT / "configs/jsft_pocket.yaml").read_text())
    assert "rows: 160" in text
    small.write_text(text)
    given = {**SMALL, "base": f"[{small}, configs/self_train_pocket.yaml]", "runs": str(tmp_path), "name": "table"}
    return [word for name, value in given.items() for word in (f"--{name}", value)]


@pytest.mark.slow
@pytest.mark.ray
def test_jsft_a_round_verdicts_tournaments_and_the_report(ray_local: None, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    given = arguments(tmp_path)
    pairs = SHARED / "data/pairs/ultrafeedback_sample.parquet"
    if pairs.is_file():
        given += ["--real.preferences", str(pairs)]
    assert main(given) == 0, capsys.readouterr().out
    metrics = json.loads((tmp_path / "table/report/metrics.json").read_text())
    assert set(metrics["mean_grade"]) == {"sft", "start", "on_policy", "offline"}
    assert metrics["judge"]["accuracy"]["rows"] == 20
    assert metrics["tournament"]["matches"] == 6 * 3 and list(metrics["tournament"]["by_size"]) == ["1", "2", "4"]
    assert metrics["runs"][0]["problems"] == {}
    assert "SELF-JUDGE: table" in (tmp_path / "table/report/index.html").read_text()
    if pairs.is_file():
        made = metrics["preferences"]
        assert made["rows_in"] == made["pairs"] + made["rejected"]
        assert made["examples_in"] == made["sft"] + made["judge"] + made["validation"] + made["examples_rejected"]

    capsys.readouterr()
    assert main(given) == 0
    said = capsys.readouterr().out
    assert "the model is finished" in said and "on_policy is finished" in said, "nothing is made twice"
    assert json.loads((tmp_path / "table/report/metrics.json").read_text())["mean_grade"] == metrics["mean_grade"]
