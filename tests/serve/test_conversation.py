"""Messages as the policy and the judge get them."""

import pytest

from selfj.serve.conversation import instruction_of, messages_of, without_own
from selfj.serve.services import PromptRefused
from selfj.serve.types.chat import ChatMessage


def turns(*said: tuple[str, object]) -> list[ChatMessage]:
    return [ChatMessage.model_validate({"role": role, "content": content}) for role, content in said]


def instruction(*said: tuple[str, object]) -> str:
    return instruction_of(messages_of(turns(*said)))


def test_one_turn_of_the_user_is_the_instruction_unchanged():
    assert instruction(("user", " What is 2 + 3?\n")) == " What is 2 + 3?\n"


def test_parts_of_text_are_joined_by_line_breaks():
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    assert messages_of(turns(("user", parts))) == [{"role": "user", "content": "one\ntwo"}]


def test_the_judge_gets_longer_conversations_as_a_transcript():
    said = [("user", "Hello"), ("assistant", "Hi!"), ("user", "What is 2 + 3?")]
    assert instruction(*said) == "User: Hello\n\nAssistant: Hi!\n\nUser: What is 2 + 3?"


def test_a_system_prompt_of_the_client_stands_before_what_the_judge_gets():
    assert instruction(("system", "Be brief."), ("user", "Hello")) == "Be brief.\n\nHello"
    assert instruction(("system", ""), ("user", "Hello")) == "Hello"


@pytest.mark.parametrize("said", ["You are a helpful assistant.", "You are a helpful assistant", " \n"])
def test_a_system_prompt_that_says_nothing_is_not_shown_to_the_judge(said):
    assert instruction(("system", said), ("user", "Hello")) == "Hello"
    assert instruction(("system", f"{said} Be brief."), ("user", "Hello")) == f"{said} Be brief.\n\nHello"


def test_the_runs_own_system_prompt_is_no_part_of_the_conversation():
    own = turns(("system", "You add."), ("user", "2 + 3"))
    assert without_own(messages_of(own), "You add.") == [{"role": "user", "content": "2 + 3"}]
    assert len(without_own(messages_of(own), "You add!")) == 2
    assert without_own([], "") == []


def test_system_and_developer_turns_at_the_beginning_become_one_system_turn():
    messages = messages_of(turns(("system", "One."), ("developer", "Two."), ("user", "Hello")))
    assert messages == [{"role": "system", "content": "One.\n\nTwo."}, {"role": "user", "content": "Hello"}]


def test_a_refusal_that_is_sent_back_is_what_the_assistant_said():
    refused = ChatMessage.model_validate({"role": "assistant", "content": None, "refusal": "Rather not.", "tool_calls": None})
    messages = messages_of([*turns(("user", "Hello")), refused, *turns(("user", "Why?"))])
    assert messages[1] == {"role": "assistant", "content": "Rather not."}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ([("user", "")], "messages.0.content"),
        ([("user", " \n")], "messages.0.content"),
        ([("user", None)], "messages.0.content"),
        ([("system", "Be brief."), ("user", [])], "messages.1.content"),
        ([("user", "Hello"), ("assistant", "Hi!")], "messages"),
        ([("system", "Be brief.")], "messages"),
    ],
)
def test_a_conversation_that_asks_nothing_is_refused_with_the_field(said, field):
    with pytest.raises(PromptRefused, match=f"^{field}: ") as problem:
        messages_of(turns(*said))
    assert problem.value.field == field
