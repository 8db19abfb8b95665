"""Which column becomes what."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfj.collect.fields import to_instruction, value_of
from selfj.collect.formats import RowProblem
from selfj.collect_settings import CollectSettings, FieldSettings, SourceSettings
from selfj.records import Instruction, instruction_id, split_of

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
COLUMNS = ["question", "prompt", "input", "context", "answer", "best", "kind", "metadata", "note"]
FIELDS = FieldSettings(
    instruction=["question", "prompt"],
    input=["input", "context"],
    reference=["answer", "best"],
    category=["kind"],
    family=["kind", "note"],
    metadata=["metadata", "note"],
)


def mapped(values: dict[str, Any], **source: Any) -> Instruction:
    source = {"path": "x", "fields": FIELDS, **source}
    return to_instruction(values, 7, "x", SourceSettings(**source), CollectSettings())


@settings(deadline=None)  # a busy machine is no fault
@given(values=st.dictionaries(st.sampled_from(COLUMNS), ANYTHING))
def test_any_row_becomes_an_instruction_that_a_table_can_hold_or_has_a_reason(values: dict[str, Any]) -> None:
    try:
        made = mapped(values)
    except RowProblem as problem:
        assert ": " in problem.reason and problem.field
        return
    assert made.instruction.strip() and made.reference.strip()
    assert made.reference in (values.get("answer"), values.get("best"))
    assert made.instruction_id == instruction_id(made.instruction)
    assert made.split == split_of(made.instruction_id, 0.1, 0.05)
    assert isinstance(json.loads(made.metadata), dict)
    for text in (made.instruction, made.reference, made.category, made.family or "", made.metadata):
        text.encode()


@settings(deadline=None)  # a busy machine is no fault
@given(first=st.sampled_from([None, "", " \n"]), second=st.text(min_size=1).filter(str.strip))
def test_of_several_columns_the_first_that_is_not_empty_is_taken_as_it_was_written(first: str | None, second: str) -> None:
    try:
        made = mapped({"question": first, "prompt": second, "answer": first, "best": second})
    except RowProblem as problem:
        assert problem.reason.startswith("surrogate code point")
    else:
        assert (made.instruction, made.reference) == (second, second)


def test_the_input_stands_below_the_instruction() -> None:
    made = mapped({"question": "Name the verbs:", "input": " ", "context": "They spoke.", "answer": "spoke"})
    assert made.instruction == "Name the verbs:\n\nThey spoke."


def test_an_input_that_is_no_text_is_a_problem_of_its_own_column() -> None:
    with pytest.raises(RowProblem, match="wrong type: a list where text is expected") as caught:
        mapped({"question": "a b c", "context": ["x"], "answer": "x"})
    assert caught.value.field == "context"


@pytest.mark.parametrize(
    ("values", "source", "expected"),
    [
        ({}, {}, "common"),
        ({}, {"category": "academic"}, "academic"),
        ({"kind": "maths"}, {"category": "coding"}, "maths"),
        ({"kind": "maths"}, {"categories": {"maths": "academic"}}, "academic"),
        ({"kind": 3}, {"categories": {"3": "coding"}}, "coding"),
        ({"kind": " "}, {"category": "a", "categories": {"a": "b"}}, "b"),
        ({"kind": ["maths"]}, {}, "common"),
    ],
)
def test_the_category_comes_from_the_row_the_source_or_the_default_and_is_mapped(
    values: dict[str, Any], source: dict[str, Any], expected: str
) -> None:
    assert mapped({"question": "a b c", "answer": "x", **values}, **source).category == expected


def test_metadata_keeps_the_columns_asked_for_and_the_entries_of_a_metadata_object() -> None:
    made = mapped({"question": "a b c", "answer": "x", "metadata": {"index": 3}, "note": "é", "best": "y"})
    assert json.loads(made.metadata) == {"index": 3, "note": "é"}
    assert json.loads(mapped({"question": "a b c", "answer": "x", "metadata": "plain"}).metadata) == {"metadata": "plain"}


def test_the_family_is_null_where_there_is_none() -> None:
    assert mapped({"question": "a b c", "answer": "x"}).family is None
    assert mapped({"question": "a b c", "answer": "x", "note": "sums"}).family == "sums"


def test_a_missing_field_is_reported_with_the_columns_that_are_there() -> None:
    with pytest.raises(RowProblem, match=r"missing reference: no column answer, best among question, extra0, .*…"):
        mapped({"question": "a b c", **{f"extra{i}": i for i in range(20)}})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.b.0", "x"),
        ("a.b.1", "y"),
        ("a.b.2", None),
        ("a.c", None),
        ("a.b.c", None),
        ("d.e", "whole"),
        ("0.set.1", "z"),
        ("a", {"b": ["x", "y"]}),
    ],
)
def test_a_name_may_be_a_path_into_what_a_column_holds(name: str, found: Any) -> None:
    assert value_of({"a": {"b": ["x", "y"]}, "d.e": "whole", "0": {"set": ["", "z"]}}, name) == found


def test_the_licence_of_the_row_goes_before_the_sources_and_both_into_the_metadata() -> None:
    values = {"question": "a b", "answer": "c", "note": "n", "terms": "MIT"}
    fields = FieldSettings(instruction=["question"], reference=["answer"], metadata=["note"], licence=["terms"])
    made = mapped(values, fields=fields, licence="CC-BY-4.0")
    assert json.loads(made.metadata) == {"licence": "MIT", "note": "n"}
    assert json.loads(mapped({**values, "terms": ""}, fields=fields, licence="CC-BY-4.0").metadata)["licence"] == "CC-BY-4.0"
    assert "licence" not in mapped(values).metadata


def test_only_the_rows_whose_columns_match_are_taken() -> None:
    fields = FieldSettings(instruction=["question"], reference=["answer"])
    values = {"question": "a b", "answer": "c", "topic": {"name": "Computers & Internet"}, "level": 3}
    only = {"topic.name": "^Comp", "level": "[34]"}
    assert mapped(values, fields=fields, only=only).reference == "c"
    for others in ({**values, "level": 5}, {**values, "topic": None}):
        with pytest.raises(RowProblem, match="not selected"):
            mapped(others, fields=fields, only=only)


@pytest.mark.parametrize("said", ["<noinput>", "No input", "`<noinput>`", "(no input)", "No Input Required.", "<no input>,"])
def test_an_input_that_says_that_there_is_none_is_none(said: str) -> None:
    values = {"question": "What is one?", "answer": "A number.", "input": said}
    assert mapped(values).instruction == "What is one?"
    for other in ("There is no input here.", "No"):
        assert mapped(values | {"input": other}).instruction == f"What is one?\n\n{other}"
