"""Conversations: turns in several shapes, the first and the last exchange, what is no conversation."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfj.collect.conversations import exchange_of, turns_of
from selfj.collect.formats import RowProblem
from selfj.collect_settings import FieldSettings, SourceSettings
from tests.collect.collecting import read, write_jsonl

ROLES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Name a colour."},
    {"role": "assistant", "content": "Red."},
    {"role": "user", "content": "And another one?"},
    {"role": "assistant", "content": "Blue."},
    {"role": "user", "content": "Thanks."},
]
NAMES = {"system": "system", "user": "human", "assistant": "gpt"}
SHAREGPT = [{"from": NAMES[turn["role"]], "value": turn["content"]} for turn in ROLES]
TEXTS = [turn["content"] for turn in ROLES[1:]]
PARTS = [{**turn, "content": [{"type": "text", "text": turn["content"]}, {"type": "image"}]} for turn in ROLES]
SHAPES = {"roles": ROLES, "sharegpt": SHAREGPT, "texts": TEXTS, "parts": PARTS, "json": json.dumps(ROLES)}


@pytest.mark.parametrize("turns", SHAPES.values(), ids=SHAPES)
def test_the_first_and_the_last_answered_turn_are_found_in_every_shape(turns: Any) -> None:
    assert exchange_of(turns, "first", "messages") == ("Name a colour.", "Red.")
    assert exchange_of(turns, "last", "messages") == ("And another one?", "Blue.")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("hello", "wrong type: a text where a list of turns"),
        (5, "wrong type: a number where a list of turns"),
        ([5], "wrong type: a number where a turn"),
        ([{"role": "user", "content": 5}], "wrong type: a number where the text of a turn"),
        ([], r"no exchange: .*\(nobody speaks\)"),
        ([{"role": "user", "content": "Hi?"}], r"no exchange: .*\(user speaks\)"),
        ([{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": " "}], r"\(user, assistant speaks\)"),
        ([{"from": "gpt", "value": "Hi."}, {"from": "human", "value": "Hi."}], r"\(assistant, user speaks\)"),
    ],
)
def test_what_holds_no_exchange_is_a_problem_of_its_row(value: Any, reason: str) -> None:
    with pytest.raises(RowProblem, match=reason):
        exchange_of(value, "first", "messages")


def test_a_role_that_is_not_known_is_kept_as_it_is_written() -> None:
    assert turns_of([{"role": "Tool ", "content": "42"}], "m") == [("tool", "42")]


def test_a_source_of_conversations_is_collected_by_its_setting(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "chats.jsonl", [{"messages": ROLES}, {"messages": [ROLES[1]]}, {"text": "x"}])
    for which, reference in (("first", "Red."), ("last", "Blue.")):
        fields = FieldSettings(conversation=["messages"])
        found = read(SourceSettings(path=str(path), fields=fields, exchange=which))  # type: ignore[arg-type]
        assert [(item.reference, item.row) for item in found.rows] == [(reference, 0)]
        assert [(row, field) for row, field, _ in found.reasons] == [(1, "messages"), (2, None)]
        assert found.reasons[1][2] == "missing conversation: no column messages among text"
