"""`selfj evaluate` and `selfj rank`, from the command line to the files."""

import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from selfj.cli import main
from tests.evaluate.data.tables import write_jsonl
from tests.raters.test_trained import make_judge


@pytest.fixture
def scored(tmp_path):
    rows = [{"q": f"Say {n}.", "a": "x" * n, "gold": n + n % 3, "category": "even" if n % 2 else "odd"} for n in range(30)]
    return write_jsonl(tmp_path / "scored.jsonl", [*rows, {"q": "Say it.", "a": "x", "gold": "good"}])


@pytest.fixture
def pairs(tmp_path):
    rows = [
        {"instruction": f"Say {n}.", "response_a": "x" * (n % 5), "response_b": "xx", "vote": [1, 1, 2], "id": n}
        for n in range(20)
    ]
    return write_jsonl(tmp_path / "pairs.jsonl", rows)


@pytest.fixture
def outputs(tmp_path):
    folder = tmp_path / "outputs"
    folder.mkdir()
    for system in range(4):
        rows = [
            {"instruction": f"Say {n}.", "output": "x" * (n + system), "win": system, "ours": system if n else None}
            for n in range(9)
        ]
        write_jsonl(folder / f"model-{system}.0.jsonl", rows)
    return folder


def evaluate(*arguments):
    return main(["evaluate", "--methods", "length", "--bootstrap", "50", *map(str, arguments)])


def rank(*arguments):
    return main(["rank", "--bootstrap", "50", *map(str, arguments)])


def test_a_table_with_gold_becomes_a_folder_of_results(scored, tmp_path, capsys):
    out = tmp_path / "out"
    assert evaluate("--data", scored, "--gold", "gold", "--instruction", "q", "--response", "a", "--out", out) == 0
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["rows"] == 30 and metrics["methods"]["length"]["pearson"] > 0.9
    assert metrics["methods"]["length"]["within_category"]["categories"] == 2
    (reject,) = pq.read_table(out / "rejected.parquet").to_pylist()
    assert (reject["source"], reject["row"], reject["field"]) == ("scored.jsonl", 30, "gold")
    first = pq.read_table(out / "predictions.parquet").to_pylist()[3]
    assert (first["row"], first["gold"], first["length"], first["length_reason"], first["characters"]) == (3, 3.0, 3.0, None, 3)
    assert "| `length` | no |" in (out / "table.md").read_text() and "| `length` | no |" in capsys.readouterr().out


def test_pairs_with_votes_become_accuracy_and_kappa(pairs, tmp_path):
    assert evaluate("--data", pairs, "--prefer", "vote", "--out", tmp_path / "out", "--rewardbench", "me/length") == 0
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["methods"]["length"]["accuracy"] == pytest.approx((2 + 0.5) / 5)
    assert metrics["votes"]["voters"]["voters"] == 3
    assert json.loads((tmp_path / "out/rewardbench/eval-set/me/length.json").read_text())["all"] == pytest.approx(2 / 5)
    first = pq.read_table(tmp_path / "out/predictions.parquet").to_pylist()[1]
    assert (first["id"], first["verdict"], first["length_a"], first["length_b"]) == ("1", 1, 1.0, 2.0)


def test_a_folder_of_outputs_is_ranked_by_a_method_or_by_its_own_scores(outputs, tmp_path, capsys):
    assert rank(outputs, "--method", "length", "--truth", "win", "--out", tmp_path / "a") == 0
    found = json.loads((tmp_path / "a/ranking.json").read_text())
    assert [entry["system"] for entry in found["ranking"]] == ["model-3.0", "model-2.0", "model-1.0", "model-0.0"]
    assert found["agreement"]["length"]["spearman"] == 1
    assert rank(outputs, "--score", "ours", "--out", tmp_path / "b") == 0
    found = json.loads((tmp_path / "b/ranking.json").read_text())
    assert (found["method"], found["rows"], found["scored"]) == ("ours", 36, 32)
    assert "no --truth to compare with" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "--data", "nowhere.jsonl", "--gold", "g"], "nowhere.jsonl: no such file"),
        (["evaluate", "--data", "TABLE"], "one of the arguments --gold --prefer --chosen is required"),
        (["evaluate", "--data", "TABLE", "--gold", "g", "--chosen", "c"], "not allowed with argument"),
        (
            ["evaluate", "--data", "TABLE", "--gold", "grade", "--instruction", "q", "--response", "a"],
            "missing grade: no such column",
        ),
        (["evaluate", "--data", "TABLE", "--gold", "gold", "--methods", "bleu"], "no method is called 'bleu'"),
        (["evaluate", "--data", "TABLE", "--gold", "gold", "--judge", "nowhere"], "nowhere: no judge is there"),
        (["evaluate", "--data", "TABLE", "--gold", "gold", "--rewardbench", "a/b"], "RewardBench is about pairs"),
        (["rank", "TABLE", "--method", "judge"], "--method: there is no 'judge'"),
        (["rank", "TABLE", "--method", "length", "--instruction", "q", "--response", "a"], "1 systems are there"),
    ],
)
def test_what_a_user_can_mend_is_one_line(scored, tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main([str(scored) if word == "TABLE" else word for word in arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and words in line


def test_real_votes_agree_with_one_another_far_better_than_length_does(shared_data, tmp_path):
    assert evaluate("--data", shared_data / "pairs/pandalm_human.parquet", "--prefer", "votes", "--out", tmp_path) == 0
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert (metrics["rows"], metrics["rejected"]) == (998, 1)  # one instruction is blank
    assert metrics["votes"]["voters"]["kappa_low"] > metrics["methods"]["length"]["kappa_high"] > 0


def test_two_gradings_by_gpt_4_agree_as_the_data_say(shared_data, tmp_path):
    for name, expected in (("mt_bench", 0.84), ("vicuna", 0.80)):
        assert (
            evaluate("--data", shared_data / f"scored/prometheus_{name}.parquet", "--gold", "gold_runs", "--out", tmp_path) == 0
        )
        metrics = json.loads((tmp_path / "metrics.json").read_text())
        assert metrics["gold_repeats"]["pearson"] == pytest.approx(expected, abs=0.02)


def test_the_models_of_alpacaeval_are_ranked_by_length_alone_better_than_by_chance(shared_data, tmp_path):
    table = shared_data / "ranking/alpacaeval_v1_models.parquet"
    assert rank(table, "--method", "length", "--truth", "win_rate", "--out", tmp_path) == 0
    found = json.loads((tmp_path / "ranking.json").read_text())
    assert (found["systems"], found["instructions"], found["rows"]) == (48, 250, 12000)
    assert found["agreement"]["length"]["spearman_over_systems"][0] > 0


@pytest.mark.slow
def test_a_trained_judge_scores_a_table_without_ray(scored, tmp_path):
    judge = make_judge(tmp_path / "judge")
    script = (
        "import sys; from selfj.cli import main\n"
        f"code = main(['evaluate', '--data', {str(scored)!r}, '--gold', 'gold', '--instruction', 'q', '--response', 'a', "
        f"'--methods', 'length', '--judge', 'mine={judge}', '--out', {str(tmp_path / 'out')!r}])\n"
        "import ray; print(code, ray.is_initialized())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 False"
    methods = json.loads((tmp_path / "out/metrics.json").read_text())["methods"]
    assert list(methods) == ["mine_reference", "length", "mine"]
    assert (methods["mine"]["scored"], methods["mine"]["unscored"]) == (30, 0)
    assert methods["mine_reference"]["unscored_reasons"] == {"the row has no reference": 30}
