"""Instruction and answer from the texts that trainers send: a prompt in its chat template, and prompt and answer in one string.

Nothing is guessed: a prompt has to be one of these formats from its first character to its last, or the text around the
instruction is given by the client. The formats are those of the models' own chat templates.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from selfj.errors import SelfJError
from selfj.serve.conversation import instruction_of, without_own
from selfj.serve.services import Message

PLAIN = "plain"
GIVEN = "template"


class Unsplit(SelfJError):
    """Why instruction and answer cannot be told apart."""


@dataclass(frozen=True)
class Split:
    """What is to be judged."""

    instruction: str
    response: str
    format: str
    """Name of the chat format; `plain` or `template`."""


@dataclass(frozen=True)
class ChatFormat:
    """How one family of chat templates writes turns; a turn's content has none of the format's own special tokens in it."""

    name: str
    user: tuple[str, str]
    """What stands before and after a user's turn."""
    assistant: tuple[str, str]
    generation: str
    """What ends the prompt."""
    system: tuple[str, str] | None = None
    bare_system: bool = False
    """A system prompt stands at the beginning without a mark."""

    @cached_property
    def content(self) -> str:
        """Pattern of a turn's content."""
        written = "".join([*self.user, *self.assistant, *(self.system or ()), self.generation])
        own = [re.escape(mark) for mark in dict.fromkeys([*re.findall(MARK, written), "<<SYS>>"])]
        return f"(?:(?!{'|'.join(own)}).)*"

    @cached_property
    def opening(self) -> re.Pattern[str]:
        """What may stand before the first turn."""
        return re.compile(BEGIN + (f"(?P<system>{self.content})" if self.bare_system else ""), re.DOTALL)

    @cached_property
    def turn(self) -> re.Pattern[str]:
        """One turn; the group that matched is its role."""
        forms = {"system": self.system, "user": self.user, "assistant": self.assistant}
        patterns = [f"{re.escape(form[0])}(?P<{role}>{self.content}){re.escape(form[1])}" for role, form in forms.items() if form]
        return re.compile("|".join(patterns), re.DOTALL)

    def read(self, prompt: str) -> list[Message] | None:
        """The turns of a prompt that is in this format from beginning to end, else None."""
        end = re.compile(re.escape(self.generation) + THINKING)
        found = self.opening.match(prompt)
        messages: list[Message] = []
        place = -1
        while found and found.end() > place:
            messages += _messages(found)
            place = found.end()
            if messages and messages[-1]["role"] == "user" and end.fullmatch(prompt, place):
                return messages
            found = self.turn.match(prompt, place)
        return None


def _lines(name: str, mark: str, end: str, model: str = "assistant") -> ChatFormat:
    """A format in which every turn has its role's name, `ROLE` in `mark`, and one end."""
    user, assistant, system = (mark.replace("ROLE", role) for role in ("user", model, "system"))
    return ChatFormat(name, (user, end), (assistant, end), assistant, (system, end))


MARK = r"<\|\w{1,40}\|?>|<\w{1,40}\|>|<｜[^｜<>]{1,40}｜>|<(?:start|end)_of_turn>|\[/?INST\]|</?s>|<[be]os>"
"""Special tokens of chat templates, by their looks."""
CUE = r"\b(?:assistant|answer|response|output|bot|ai|model)\s*[:>]\s*$"
UNKNOWN = re.compile(MARK.replace("</?s>", "^<s>") + "|" + CUE, re.IGNORECASE)
"""Looks like a template: a special token (`<s>` alone may be HTML), or words at the end that ask for an answer."""
BEGIN = r"(?:<s>|<bos>|<\|begin_of_text\|>|<\|endoftext\|>|<BOS_TOKEN>|<｜begin▁of▁sentence｜>)?"
THINKING = r"(?:<think>(?:\n(?:\n</think>\n\n)?|</think>)?)?"
"""What templates of reasoning models add for the answer to go on from."""
FORMATS = (
    _lines("chatml", "<|im_start|>ROLE\n", "<|im_end|>\n"),
    _lines("llama3", "<|start_header_id|>ROLE<|end_header_id|>\n\n", "<|eot_id|>"),
    _lines("gemma", "<start_of_turn>ROLE\n", "<end_of_turn>\n", model="model"),
    _lines("gemma4", "<|turn>ROLE\n", "<turn|>\n", model="model"),
    _lines("phi", "<|ROLE|>\n", "<|end|>\n"),
    _lines("zephyr", "<|ROLE|>\n", "</s>\n"),
    ChatFormat("tulu", ("<|user|>\n", "\n"), ("<|assistant|>\n", "<|endoftext|>\n"), "<|assistant|>\n", ("<|system|>\n", "\n")),
    ChatFormat("mistral", ("[INST]", "[/INST]"), ("", "</s>"), ""),
    ChatFormat("deepseek", ("<｜User｜>", ""), ("<｜Assistant｜>", "<｜end▁of▁sentence｜>"), "<｜Assistant｜>", bare_system=True),
    ChatFormat("pocket", ("<|user|>", ""), ("<|assistant|>", "<|end|>"), "<|assistant|>"),
)
ENDS: tuple[str, ...] = (
    "<|im_end|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<turn|>",
    "<eos>",
    "</s>",
    "<|end|>",
    "<|endoftext|>",
)
ENDS += ("<｜end▁of▁sentence｜>",)
"""Tokens that end an answer; trainers decode them with it."""
DATES = re.compile(r"(?:Cutting Knowledge Date: .*\n)?Today Date: .*\s*")
"""Lines that templates put before a system prompt."""


def split(query: str, prompt: str, template: str = "", end: str = "", system_prompt: str = "") -> Split:
    """Instruction and answer of one training sample.

    Args:
        query: prompt and answer as one text, special tokens included.
        prompt: the prompt alone.
        template: the text around the instruction, `{}` in its place; by default the prompt's format is recognised.
        end: what ends an answer, beside the tokens that are known.
        system_prompt: the run's own, which is no part of instructions.

    Raises Unsplit with the reason.
    """
    response = _without_end(_after(query, prompt), (end, *ENDS) if end else ENDS)
    if template:
        return Split(_within(template, prompt), response, GIVEN)
    for form in FORMATS:
        messages = form.read(prompt)
        if messages is not None:
            return Split(_instruction(messages, system_prompt), response, form.name)
    if UNKNOWN.search(prompt):
        raise Unsplit("the prompt is in a chat template that is not known here; give it as template, {} for the instruction")
    return Split(_spoken(prompt), response, PLAIN)


def _messages(found: re.Match[str]) -> list[Message]:
    groups = found.groupdict()
    return [{"role": role, "content": content.strip()} for role, content in groups.items() if content is not None]


def _instruction(messages: list[Message], system_prompt: str) -> str:
    """The conversation's instruction, without a system prompt that is the template's or the run's own."""
    return _spoken(instruction_of(without_own([_without_dates(message) for message in messages], system_prompt)))


def _without_dates(message: Message) -> Message:
    return {**message, "content": DATES.sub("", message["content"], 1)} if message["role"] == "system" else message


def _spoken(instruction: str) -> str:
    if not instruction.strip():
        raise Unsplit("the prompt holds no instruction")
    return instruction


def _within(template: str, prompt: str) -> str:
    before, _, after = template.partition("{}")
    if not (prompt.startswith(before) and prompt.endswith(after) and len(prompt) >= len(before) + len(after)):
        raise Unsplit("the prompt is not in the template that was given")
    return _spoken(prompt[len(before) : len(prompt) - len(after)])


def _after(query: str, prompt: str) -> str:
    """What follows the prompt. Tokenizers may give its blanks back otherwise, and begin with a token of their own."""
    if query.startswith(prompt):
        return query[len(prompt) :]
    begun = re.match(BEGIN, query)
    rest = query[begun.end() :] if begun else query
    place = 0
    for character in re.sub(r"\s+|^" + BEGIN, "", prompt):
        while place < len(rest) and rest[place].isspace():
            place += 1
        if place == len(rest) or rest[place] != character:
            raise Unsplit("the query does not begin with its prompt (a prompt that was too long for the trainer is cut)")
        place += 1
    return rest[place:].lstrip()


def _without_end(response: str, ends: tuple[str, ...]) -> str:
    trimmed = response.rstrip()
    for end in ends:
        if trimmed.endswith(end):
            return trimmed[: -len(end)].rstrip("\n")
    return response
