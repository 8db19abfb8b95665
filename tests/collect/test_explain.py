"""`selfj collect --explain`: each filter with what it rejected, and examples that are the same every time."""

from pathlib import Path

import pytest

from selfj import cli
from selfj.collect.explain import OTHER, explain, explained_lines
from selfj.collect.quality.chosen import KINDS
from selfj.collect_settings import CollectSettings
from selfj.filter_settings import EchoFilter, FilterSettings, PersonalFilter
from selfj.records import Instruction, Rejected, rejected, schema
from selfj.run import RunFolder

SETTINGS = CollectSettings(filters=FilterSettings(echo=EchoFilter(enabled=True), personal=PersonalFilter(enabled=True)))


def reject(reason: str, row: int, content: str = "some text") -> Rejected:
    return rejected("collect", "here", reason, row=row, content=content)


@pytest.fixture
def run(run_folder: RunFolder) -> RunFolder:
    nothing = schema(Instruction).empty_table()
    early = [reject("instruction too short: 1 words", row, "{'a':\n 1}") for row in range(5)]
    run_folder.table("collected").write(0, nothing, [*early, reject("malformed JSON: x", 9)], 6)
    run_folder.table("collected").write(1, nothing, [reject("personal data: e-mail address", 5, "me@here.org")], 1)
    run_folder.table("instructions").write(0, nothing, [reject("duplicate: of here row 1", 7)], 1)
    return run_folder


def test_rejects_are_counted_by_the_filter_as_the_settings_call_it(run: RunFolder) -> None:
    found = {row.name: row for row in explain(run, SETTINGS)}
    counts = {name: row.rejected for name, row in found.items() if row.rejected}
    assert counts == {"collect.min_words, max_words": 5, OTHER: 1, "filters.personal": 1, "duplicates": 1}
    assert found["filters.echo"].state == "" and found["filters.markup"].state == "off"
    assert {f"filters.{name}" for name in KINDS} <= set(found)


def test_three_examples_are_the_same_in_whatever_order_the_rejects_are_read(run: RunFolder) -> None:
    shown = explain(run, SETTINGS)[0].examples
    again = [reject("instruction too short: 1 words", row, "{'a':\n 1}") for row in reversed(range(5))]
    run.table("collected").write(0, schema(Instruction).empty_table(), again, 5)
    assert len(shown) == 3 and explain(run, SETTINGS)[0].examples == shown


def test_the_table_is_plain_lines_and_hides_personal_data(run: RunFolder) -> None:
    lines = list(explained_lines(explain(run, SETTINGS), read=100))
    assert lines[0].split() == ["filter", "rejected", "of", "all"]
    assert any(line.split() == ["collect.min_words,", "max_words", "5", "5.00%"] for line in lines)
    assert "duplicates: duplicate 1" in lines and "  here row 7: duplicate: of here row 1 | some text" in lines
    assert "  here row 5: personal data: e-mail address | (not shown)" in lines and not any("me@here" in line for line in lines)
    assert all("\n" not in line for line in lines)


@pytest.mark.ray
def test_the_command_collects_and_explains(ray_local: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "a.jsonl"
    data.write_text(
        '{"instruction": "say this again", "output": "Say this again."}\n{"instruction": "say it once", "output": "it"}\n'
    )
    config = tmp_path / "own.yaml"
    config.write_text(
        f"name: own\nruns: {tmp_path}/runs\npolicy: {{model: any}}\n"
        f"collect: {{sources: [{{path: {data}}}], filters: {{echo: {{enabled: true}}}}}}\n"
    )
    card = tmp_path / "card.md"
    assert cli.main(["collect", str(config), "--explain", "--card", str(card)]) == 0
    assert card.read_text().startswith("# own: 1 instructions\n\n2 rows read = 1 kept + 1 rejected.")
    printed = capsys.readouterr().out
    assert "filters.echo: reference repeats the instruction 1" in printed and "1 kept" in printed
