"""The tables between the steps."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfj.records import (
    CONTENT_LIMIT,
    Instruction,
    Judged,
    Scored,
    from_table,
    instruction_id,
    rejected,
    response_id,
    schema,
    split_of,
    stable_seed,
    to_table,
)


def test_rows_survive_the_way_through_arrow() -> None:
    rows = [Judged("a-0", "judge", False, 4.5, [0.1] * 10, 0.9, None), Judged("a-1", "judge", True, None, None, None, "too long")]
    back = from_table(Judged, to_table(Judged, rows))
    assert back[1] == rows[1]
    assert back[0].score == 4.5 and back[0].probabilities == pytest.approx([0.1] * 10)


def test_a_null_is_allowed_only_where_the_record_says_so() -> None:
    fields = schema(Scored)
    assert fields.field("label").nullable and fields.field("reason").nullable
    assert not fields.field("response_id").nullable


def test_an_empty_table_has_the_full_schema() -> None:
    assert to_table(Instruction, []).schema.equals(schema(Instruction))


def test_instructions_that_differ_in_case_or_white_space_are_the_same() -> None:
    assert instruction_id("What  is\n2 + 2?") == instruction_id(" what is 2 + 2?")
    assert instruction_id("What is 2 + 2?") != instruction_id("What is 2 + 3?")


@given(st.text())
def test_any_text_has_a_key_of_32_digits(text: str) -> None:
    assert len(instruction_id(text)) == 32


def test_a_lone_surrogate_has_a_key() -> None:
    assert len(instruction_id("\ud800")) == 32


@given(st.text(min_size=1), st.floats(0, 0.5), st.floats(0, 0.4))
def test_a_bigger_test_share_keeps_what_was_test(key: str, test: float, more: float) -> None:
    if split_of(key, test, 0.1) == "test":
        assert split_of(key, test + more, 0.1) == "test"


def test_splits_have_about_the_sizes_that_were_asked_for() -> None:
    splits = [split_of(str(i), 0.2, 0.1) for i in range(20_000)]
    assert abs(splits.count("test") / 20_000 - 0.2) < 0.01
    assert abs(splits.count("calibration") / 20_000 - 0.1) < 0.01


def test_seeds_differ_by_draw_and_repeat_by_run() -> None:
    assert stable_seed(0, response_id("a", 0)) == stable_seed(0, "a-0") != stable_seed(0, "a-1")
    assert 0 <= stable_seed("x") < 2**63


def test_the_content_of_a_reject_is_cut() -> None:
    assert len(rejected("collect", "x", "long", content="y" * 10_000).content) == CONTENT_LIMIT


def test_a_table_of_rejects_needs_no_row_number() -> None:
    from selfj.records import Rejected

    table = to_table(Rejected, [rejected("sample", "x", "why")])
    assert table.column("row").null_count == 1 and isinstance(table, pa.Table)
