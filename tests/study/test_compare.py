"""Two runs side by side."""

import json
from pathlib import Path

import pytest

from selfj.cli import main
from selfj.commands import compare as command
from selfj.errors import DataError
from selfj.run import RunFolder
from selfj.study.compare import (
    _with_one_threshold,
    change_in_words,
    compare_runs,
    comparison_html,
    comparison_text,
    rows_in_words,
)
from selfj.study.pairing import pair
from selfj.study.results import common_scale, read_results
from selfj.study.statistics import STATISTICS, all_gold
from selfj.tables import Fingerprint, Manifest
from tests.study.worlds import METHODS, Finished, write_finished


def write(folder: Path, name: str, **values: object) -> str:
    return write_finished(str(folder / name), Finished(**{"instructions": 150, **values})).address


@pytest.fixture
def base(tmp_path: Path) -> str:
    return write(tmp_path, "base")


def test_a_run_beside_itself_differs_in_nothing(base: str) -> None:
    (found,) = compare_runs(base, base, 100)
    assert found.pair.kind == "answers"
    for figures in found.figures.values():
        figure = figures["pearson"]
        assert (figure["difference"], figure["difference_low"], figure["difference_high"]) == (0, 0, 0)
        assert figure["first"] == figure["second"]


def test_the_same_answers_are_paired_one_by_one(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "again", noise_seed=3), 300)
    assert found.pair.kind == "answers"
    figure = found.figures["judge"]["pearson"]
    assert figure["difference"] == pytest.approx(figure["second"] - figure["first"], abs=1e-5)
    assert figure["difference_low"] < figure["difference"] < figure["difference_high"]


def test_an_answer_that_one_run_could_not_score_counts_in_neither(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "gaps", nulls=40), 100)
    rows = found.pair.first.rows("judge") & found.pair.second.rows("judge")
    assert rows.sum() == found.pair.second.rows("judge").sum() < found.pair.first.rows("judge").sum()
    assert found.figures["judge"]["pearson"]["difference"] == 0
    assert found.figures["judge"]["pearson"]["rows"] == [rows.sum()] * 2


def test_a_run_that_left_answers_unscored_shows_it_where_the_answers_differ(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "gaps", seed=9, world=1, nulls=40), 20)
    figure = found.figures["judge"]["pearson"]
    assert figure["rows"] == [296, 256] and rows_in_words(figure) == "296 and 256"
    assert "296 and 256" in comparison_text(found) and "296 and 256" in comparison_html([found])


def test_both_runs_have_the_same_threshold_and_scale_of_gold(base: str, tmp_path: Path) -> None:
    """A run whose gold is better by 3 throughout has as good an order, but not as many good answers, nor losses as high."""
    first, second = (read_results(address)[0] for address in (base, write(tmp_path, "other", seed=9, world=1)))
    second.gold, second.good = second.gold + 3, 3.5
    found = _with_one_threshold(pair(first, second))
    scale = common_scale((found.first, found.second))
    one, other = all_gold(found.first, scale), all_gold(found.second, scale)
    assert other.good.all() and not one.good.all() and one.good.any()
    assert other.loss.max() < one.loss.min() and (one.loss.max(), other.loss.min()) == (1, 0)


def test_a_scale_that_the_settings_name_holds_for_both_runs(base: str) -> None:
    (one,), (other,) = read_results(base), read_results(base)
    assert common_scale((one, other)) == (0, 1)
    one.named_scale, other.gold = (0, 5), other.gold + 3
    assert common_scale((one, other)) == (0, 5) and common_scale((other, other)) == (other.gold.min(), other.gold.max())


def test_other_answers_to_the_same_instructions_are_paired_by_instruction(base: str, tmp_path: Path) -> None:
    """Answers of another sampling have the same ids; their lengths and gold tell them apart."""
    (found,) = compare_runs(base, write(tmp_path, "other", seed=9, world=1), 100)
    assert found.pair.kind == "instructions" and len(found.pair.first) == len(found.pair.second) == 296


def test_a_smaller_run_is_compared_on_what_both_have(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "small", seed=9, world=1, instructions=60), 50)
    assert found.pair.kind == "instructions" and found.pair.left_out == (180, 0)


def test_runs_with_nothing_in_common_are_resampled_apart(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "elsewhere", seed=5), 300)
    assert found.pair.kind == "independent"
    figure = found.figures["judge"]["pearson"]
    apart = ((figure["first_high"] - figure["first_low"]) ** 2 + (figure["second_high"] - figure["second_low"]) ** 2) ** 0.5
    assert figure["difference_high"] - figure["difference_low"] == pytest.approx(apart, rel=0.25)


def test_a_better_judge_is_seen_as_better(tmp_path: Path) -> None:
    worse = tuple((*method[:4], 2.0) if method[0] == "judge" else method for method in METHODS)
    (found,) = compare_runs(write(tmp_path, "worse", methods=worse), write(tmp_path, "better"), 200)
    assert change_in_words(found.figures["judge"]["pearson"]) == "higher"
    assert change_in_words(found.figures["cosine"]["pearson"]) == "cannot be told apart"
    assert change_in_words(found.figures["judge"]["aurc"]) == "lower"


def test_a_method_of_one_run_alone_has_no_difference(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "more", extra={"gpt": 0.3}), 50)
    figure = found.figures["gpt"]["pearson"]
    assert change_in_words(figure) == "base has no method gpt"
    assert (
        figure["first"] is None and figure["second"] > 0 and figure["difference"] is None and "no method gpt" in figure["reason"]
    )


def test_policies_are_matched_by_name_or_because_there_is_one_each(base: str, tmp_path: Path) -> None:
    (found,) = compare_runs(base, write(tmp_path, "theirs", policy="big"), 20)
    assert (found.first, found.second) == ("base (tiny)", "theirs (big)")


def test_settings_that_differ_are_named(base: str, tmp_path: Path) -> None:
    other = write(tmp_path, "other", noise_seed=1)
    for address, epochs in ((base, 2), (other, 3)):
        manifest = Manifest("judge", Fingerprint({"train": {"epochs": epochs}}, {"scored": f"hash{epochs}"}), True)
        RunFolder(address).table("judge").write_manifest(manifest)
    (found,) = compare_runs(base, other, 20)
    assert found.changes == ["train.epochs: 2 → 3"]


def test_the_page_has_both_runs_and_needs_no_network(base: str, tmp_path: Path) -> None:
    page = comparison_html(compare_runs(base, write(tmp_path, "new", noise_seed=1), 50))
    assert "base → new" in page and "Self-J without self-distillation" in page and "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_command_prints_a_table_or_json_and_writes_a_page(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write(tmp_path, "new", noise_seed=1)
    assert main(["compare", base, other, "--bootstrap", "20", "--html", str(tmp_path / "c.html")]) == 0
    text = capsys.readouterr().out
    assert "pearson × 100" in text and "The same answers" in text and (tmp_path / "c.html").is_file()
    assert main(["compare", base, other, "--bootstrap", "20", "--metric", "auroc"]) == 0
    assert "auroc " in capsys.readouterr().out
    assert main(["compare", base, other, "--bootstrap", "20", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["paired_by"] == "answers" and set(found["methods"]["judge"]) == set(STATISTICS)


@pytest.mark.parametrize("missing", [True, False])
def test_what_is_no_finished_run_is_refused_in_one_line(
    base: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: bool
) -> None:
    if not missing:
        RunFolder(str(tmp_path / "bad")).store.write("report/predictions.parquet", b"not Parquet")
    assert main(["compare", base, str(tmp_path / "bad")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "bad/report/predictions.parquet" in line


def test_runs_of_many_policies_that_do_not_match_are_refused(base: str, tmp_path: Path) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    other = RunFolder(write(tmp_path, "two", policy="x"))
    table = pq.read_table(io.BytesIO(other.store.read("report/predictions.parquet")))
    half = table.num_rows // 2
    table = table.set_column(0, "policy", pa.array(["x"] * half + ["y"] * (table.num_rows - half)))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    other.store.write("report/predictions.parquet", buffer.getvalue())
    with pytest.raises(DataError, match="no policy in common"):
        compare_runs(base, other.address, 10)


def test_the_metrics_of_the_command_are_those_that_are_computed() -> None:
    assert command.STATISTICS == STATISTICS
