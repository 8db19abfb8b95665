"""A client's messages as the policy gets them, and the one instruction that the judge gets for them."""

import itertools
import re
from collections.abc import Sequence

from selfj.serve.services import Message, PromptRefused
from selfj.serve.types.chat import ChatMessage

ROLES = {"developer": "system"}
"""Newer names of roles."""
SPEAKERS = {"user": "User", "assistant": "Assistant"}
"""Names of the roles in a transcript."""
SAYS_NOTHING = re.compile(r"(?:You are Qwen, created by Alibaba Cloud\. )?You are a helpful assistant\.?|\s*")
"""System prompts that chat templates and clients write where there is none: no answer is better or worse for them."""


def messages_of(turns: Sequence[ChatMessage]) -> list[Message]:
    """Turns with one text each: parts are joined by line breaks, `developer` is `system`, a refusal is what the assistant said.

    System turns at the beginning become one, since chat templates take one.

    Raises PromptRefused, with the field named, for a user who says nothing, and if the last turn is not the user's.
    """
    for place, turn in enumerate(turns):
        if turn.role == "user" and not _text(turn).strip():
            raise PromptRefused(f"messages.{place}.content: empty", f"messages.{place}.content")
    if turns[-1].role != "user":
        raise PromptRefused(f"messages: the last must be the user's, not the {turns[-1].role}'s")
    said = [{"role": ROLES.get(turn.role, turn.role), "content": _text(turn)} for turn in turns]
    system = list(itertools.takewhile(lambda message: message["role"] == "system", said))
    return [*_joined(system), *said[len(system) :]]


def without_own(messages: Sequence[Message], system_prompt: str) -> list[Message]:
    """Messages without a first turn of the system that is the run's own `system_prompt`.

    The policy gets it in any case, and the judge was trained, and calibrated, on instructions without it.
    """
    own = list(messages[:1]) == [{"role": "system", "content": system_prompt}]
    return list(messages[1:] if own else messages)


def instruction_of(messages: Sequence[Message]) -> str:
    """What the judge gets as the instruction: the user's turn alone, or a transcript of all turns.

    Judges are trained on single turns. A system prompt of the client's stands before it nevertheless: it says what a good answer
    is ("Translate into French"), and a judge that does not see it rates answers to another task. One that says nothing is left
    out.
    """
    spoken = [message["content"] for message in messages if message["role"] == "system"]
    system = [content for content in spoken if not SAYS_NOTHING.fullmatch(content)]
    turns = [message for message in messages if message["role"] != "system"]
    text = turns[0]["content"] if len(turns) == 1 else transcript(turns)
    return "\n\n".join([*system, text])


def transcript(turns: Sequence[Message]) -> str:
    """A conversation as plain text, one paragraph for each turn."""
    return "\n\n".join(f"{SPEAKERS[turn['role']]}: {turn['content']}" for turn in turns)


def _joined(system: Sequence[Message]) -> list[Message]:
    return [{"role": "system", "content": "\n\n".join(message["content"] for message in system)}] if system else []


def _text(turn: ChatMessage) -> str:
    if turn.content is None:
        return turn.refusal or ""
    return "\n".join(part.text for part in turn.content)
