import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selfj.config import EvaluateSettings, check_settings, load_settings
from selfj.errors import DataError, SettingsError
from selfj.evaluate.gold import Answers, gold_source

ROOT = Path(__file__).parents[2]
ANSWERS = Answers(
    ["a-0", "b-0", "c-0"], ['{"gold": 0.5}', '{"gold": null}', '{"other": 1}'], ["grade 0.25", "no such thing", "grade 1"]
)


def source(**settings):
    return gold_source(EvaluateSettings(**settings))


def test_no_gold_is_no_source():
    assert source() is None


def test_a_function_gets_metadata_and_response_and_what_it_raises_is_the_rows_reason():
    column = source(gold="tests.evaluate.synthetic:grade").gold(ANSWERS)
    assert column.values[[0, 2]].tolist() == [0.25, 1.0]
    assert np.isnan(column.values[1])
    assert column.reasons == [None, "tests.evaluate.synthetic:grade raised KeyError: 'grade'", None]


def test_gold_beyond_its_scale_is_none_and_says_so():
    column = source(gold="tests.evaluate.synthetic:grade", gold_scale=[0, 0.5]).gold(ANSWERS)
    assert column.values[0] == 0.25 and np.isnan(column.values[1:]).all()
    assert column.reasons[2] == "gold 1 is not on evaluate.gold_scale, 0 to 0.5" and "KeyError" in column.reasons[1]


@pytest.mark.parametrize("scale", [[10, 1], [1], [3, 3], [0, 1, 2]])
def test_a_scale_that_is_none_is_refused_before_anything_runs(scale):
    settings = load_settings(ROOT / "configs" / "pocket_tiny.yaml", "--evaluate.gold_scale", "[1, 10]")
    assert settings.evaluate.gold_scale == [1, 10]
    settings.evaluate.gold_scale = scale
    with pytest.raises(SettingsError, match=r"evaluate\.gold_scale: two numbers, the lower first"):
        check_settings(settings)


def test_the_pocket_world_grades_its_own_answers():
    pytest.importorskip("selfj.pocket.grading")
    assert source(gold="selfj.pocket.grading:grade_response").description == "selfj.pocket.grading:grade_response"


def test_a_function_in_the_working_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_grades_of_today.py").write_text(
        "def grade(metadata, response):\n    return None if len(response) > 12 else len(response)\n"
    )
    column = source(gold="my_grades_of_today:grade").gold(ANSWERS)
    assert column.values[0] == 10
    assert column.reasons[1] == "my_grades_of_today:grade gave no grade"


@pytest.mark.parametrize("name", ["no_such_module:grade", "json:no_such_function", "json:__name__", "nonsense"])
def test_a_function_that_is_not_there_is_one_clear_error(name):
    with pytest.raises(DataError, match=r"evaluate\.gold"):
        source(gold=name)


def test_a_metadata_column_is_gold_and_its_absence_says_what_there_is():
    column = source(gold="column").gold(ANSWERS)
    assert column.values[0] == 0.5
    assert column.reasons[1] == "gold is empty in the metadata"
    assert column.reasons[2] == "no 'gold' in the metadata (there is other); list it in the source's fields.metadata"


def write_jsonl(path):
    rows = [{"response_id": "a-0", "gold": 3}, {"response_id": "b-0", "gold": "two"}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")


def write_csv(path):
    path.write_text("response_id,gold\na-0,3\nb-0,two\n", encoding="utf-8-sig")


def write_parquet(path):
    pq.write_table(pa.table({"response_id": ["a-0", "b-0"], "gold": ["3", "two"]}), path)


@pytest.mark.parametrize(("ending", "write"), [("jsonl", write_jsonl), ("csv", write_csv), ("parquet", write_parquet)])
def test_gold_is_read_by_response_id_from_jsonl_csv_and_parquet(tmp_path, ending, write):
    path = tmp_path / f"gold.{ending}"
    write(path)
    column = source(gold="column", gold_file=str(path)).gold(ANSWERS)
    assert column.values[0] == 3.0
    assert column.reasons == [None, "gold is 'two', not a number", "the gold file does not have this response"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.jsonl", None, "cannot be read"),
        ("gold.xlsx", b"", "neither .jsonl, .csv nor .parquet"),
        ("gold.jsonl", b'{"response_id": "a"}\n{oops', "line 2 is not JSON"),
        ("gold.jsonl", b"[1]", "line 1 is not a JSON object"),
        ("gold.jsonl", b"\xff\xfe", "not UTF-8 at byte 0"),
        ("gold.jsonl", b'{"id": "a", "gold": 1}', "no column 'response_id' .there is id, gold"),
        ("gold.csv", b"response_id,score\na,1\n", "no column 'gold' .there is response_id, score"),
        ("gold.csv", b"", "no column 'response_id' .there is nothing"),
        ("gold.csv", b"response_id,gold\na,1\na,2\n", "response_id a stands there 2 times"),
        ("gold.parquet", b"PAR1 and nonsense", "not a Parquet file"),
    ],
)
def test_a_gold_file_that_cannot_be_used_is_one_clear_error(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        source(gold="column", gold_file=str(path))


def test_infinite_gold_is_no_gold(tmp_path):
    path = tmp_path / "gold.csv"
    path.write_text("response_id,gold\na-0,inf\nb-0,\n", encoding="utf-8")
    column = source(gold="column", gold_file=str(path)).gold(ANSWERS)
    assert column.reasons[:2] == ["gold is inf, not a finite number", "gold is empty in the gold file"]
