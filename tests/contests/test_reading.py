"""Who takes part in a tournament."""

import json

import pytest

from selfj.contests.reading import contests_of_run, contests_of_table
from selfj.contests.settings import TournamentSettings
from selfj.errors import DataError, RunFolderError
from selfj.records import Response, instruction_id, response_id, to_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint
from tests.tables import instruction, write_instructions

ROWS = [instruction(i) for i in range(20)]
TESTS = [row for row in ROWS if row.split == "test"]


def write_lines(tmp_path, *rows):
    file = tmp_path / "table.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TournamentSettings(path=str(file))


def read(settings):
    parts = list(contests_of_table(settings))
    assert sum(part.rows_in for part in parts) == sum(len(part.contests) + len(part.rejects) for part in parts)
    return [contest for part in parts for contest in part.contests], [reject for part in parts for reject in part.rejects]


def test_a_row_with_a_list_is_a_contest(tmp_path):
    settings = write_lines(
        tmp_path,
        {"id": "x", "prompt": "Say.", "responses": ["a", "", "b"], "metadata": {"index": 3}},
        {"prompt": "Say.", "outputs": ["c"]},
    )
    (first, second), rejects = read(settings)
    assert (first.contest_id, first.instruction, first.responses) == ("x", "Say.", ["a", "", "b"])
    assert first.response_ids == ["x-0", "x-1", "x-2"] and json.loads(first.metadata) == {"index": 3}
    assert (second.contest_id, second.responses) == ("1", ["c"]) and not rejects


def test_single_responses_to_one_instruction_compete_in_the_order_they_stand_in(tmp_path):
    settings = write_lines(
        tmp_path,
        {"instruction": "Say.", "response": "a", "response_id": "r7"},
        {"instruction": "Sing.", "response": "x"},
        {"instruction": "Say.", "response": "b"},
    )
    (say, sing), _ = read(settings)
    assert say.responses == ["a", "b"] and say.response_ids == ["r7", f"{instruction_id('Say.')}-2"]
    assert sing.responses == ["x"] and say.contest_id == instruction_id("Say.")


@pytest.mark.parametrize(
    ("row", "reason", "field"),
    [
        ({"instruction": "Say.", "responses": []}, "a list without responses", "responses"),
        ({"instruction": "Say.", "responses": ["a", 3]}, "wrong type", "responses"),
        ({"instruction": "Say.", "responses": "a"}, "where a list of responses is expected", "responses"),
        ({"instruction": "Say."}, "missing response", "response"),
        ({"responses": ["a"]}, "missing instruction", "instruction"),
    ],
)
def test_a_row_that_cannot_take_part_is_rejected_with_its_field(tmp_path, row, reason, field):
    contests, (reject,) = read(write_lines(tmp_path, row, {"instruction": "Say.", "responses": ["a"]}))
    assert len(contests) == 1 and reason in reject.reason
    assert (reject.step, reject.row, reject.field) == ("tournament", 0, field)


def test_a_table_without_a_contest_is_an_error(tmp_path):
    with pytest.raises(DataError, match="none of 1 rows can be used"):
        read(write_lines(tmp_path, {"text": "x"}))


def test_parts_have_as_many_contests_as_asked_and_no_more_responses(tmp_path):
    settings = write_lines(tmp_path, *({"instruction": f"Say {n}.", "responses": ["a", "b", "c"]} for n in range(5)))
    settings.rows_per_part, settings.most = 2, 2
    parts = list(contests_of_table(settings))
    assert [len(part.contests) for part in parts] == [2, 2, 1]
    assert {tuple(contest.responses) for part in parts for contest in part.contests} == {("a", "b")}


def test_the_answers_of_a_run_compete_those_of_all_tables_together(run_folder):
    write_instructions(run_folder, ROWS)
    for name, numbers in (("responses", (0, 1)), ("candidates", (2,))):
        table = run_folder.table(name)
        manifest = table.begin(Fingerprint({"made": "by a test"}, {}), "test")
        for part in run_folder.table("instructions").parts():
            keys = run_folder.table("instructions").read(part).column("instruction_id").to_pylist()
            rows = [Response(response_id(k, n), k, f"answer {n}", "p", 0, 3, -1.0, "stop") for k in keys for n in numbers]
            table.write(part, to_table(Response, rows), [], len(rows))
        table.finish(manifest)
    parts = list(contests_of_run(RunFolder(run_folder.address), TournamentSettings(run=run_folder.address)))
    contests = {contest.contest_id: contest for part in parts for contest in part.contests}
    assert set(contests) == {row.instruction_id for row in TESTS}
    assert all(contest.responses == ["answer 0", "answer 1", "answer 2"] for contest in contests.values())
    one = contests[TESTS[0].instruction_id]
    assert one.response_ids == [response_id(TESTS[0].instruction_id, n) for n in range(3)] and one.metadata == TESTS[0].metadata


def test_a_run_without_answers_is_an_error_that_names_the_tables(run_folder):
    write_instructions(run_folder, ROWS)
    with pytest.raises(RunFolderError, match="no finished table responses or candidates"):
        list(contests_of_run(run_folder, TournamentSettings(run=run_folder.address)))
