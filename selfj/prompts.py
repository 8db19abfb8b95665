"""Every prompt text, and the one way in which a text becomes the tokens that a model reads.

Training and use call the same functions, so that a prompt is wrapped identically in both (METHOD.md A, loss).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfj.errors import ModelError
from selfj.markers import MarkBreaker, part_breaker, template_tokens, turn_marks

_RUBRIC = (
    "Rate how good the answer to the question is on a scale from 0 to 9: 0 is useless or wrong, 9 is fully correct, complete and "
    "follows every part of the question. Reply with one digit only."
)


@dataclass(frozen=True)
class RatingPrompt:
    """The texts around what a judge reads: head, then question, reference where there is one, and last the answer."""

    head: str
    question: str
    reference: str
    answer: str
    tail: str = ""

    def before_response(self, instruction: str, reference: str | None) -> str:
        """All that stands before the response."""
        shown = "" if reference is None else self.reference + reference
        return self.head + self.question + instruction + shown + self.answer

    def parts(self) -> tuple[str, ...]:
        """What begins the parts of the prompt."""
        return self.question, self.reference, self.answer, self.tail


RATING_PROMPTS = {
    "short": RatingPrompt(
        head="Rate the answer from 0 to 9.",
        question="\nQuestion: ",
        reference="\nReference: ",
        answer="\nAnswer: ",
    ),
    "standard": RatingPrompt(
        head=_RUBRIC,
        question="\n\n[Question]\n",
        reference="\n\n[Reference answer]\n",
        answer="\n\n[Answer]\n",
        tail="\n\n[Rating]",
    ),
}


_SEAM = 16
"""Tokens on each side of a cut that a mark could come about from."""


class PromptTooLong(ValueError):
    """A prompt that does not fit even without the response."""


class PromptEncoder:
    """Wraps texts in a model's chat template and turns them into token ids.

    No text leaves its place: marks of turns are broken in all texts, those of the rating prompt's parts in texts to be judged
    (selfj.markers). A text without such marks has the tokens it always had.

    Args:
        tokenizer: a Hugging Face tokenizer with a chat template.
        prompts: a key of RATING_PROMPTS.
        max_tokens: longest rating prompt, in tokens.
        system_prompt: put before instructions that are answered.
    """

    def __init__(self, tokenizer: Any, prompts: str, max_tokens: int, system_prompt: str = "") -> None:
        if not tokenizer.chat_template:
            raise ModelError(
                f"{tokenizer.name_or_path}: the model has no chat template; give a Jinja file with policy.chat_template"
            )
        self.tokenizer = tokenizer
        self.rating = RATING_PROMPTS[prompts]
        self.max_tokens = max_tokens
        self.system_prompt = system_prompt
        self._spoken = MarkBreaker(turn_marks(tokenizer))
        self._judged = self.breaker(self.rating.parts())

    def answer_ids(self, instruction: str) -> list[int]:
        """Prompt that asks the policy for an answer."""
        return self.conversation_ids([{"role": "user", "content": instruction}])

    def conversation_ids(self, turns: Sequence[dict[str, str]]) -> list[int]:
        """Prompt that asks the policy for the next turn of a conversation; turns are `role` and `content`.

        A first turn of the system takes the place of `system_prompt`.
        """
        return self.encode(self._conversation(turns))

    def answered_ids(self, turns: Sequence[dict[str, str]], answer: str) -> tuple[list[int], list[int]]:
        """The prompt as `conversation_ids` has it, and the answer as it is written straight after it, for training."""
        prompt, broken = self._conversation(turns), self._spoken.broken(answer)
        ids, whole = self.encode(prompt), self.encode(prompt + broken)
        # A tokenizer may write the end of the prompt otherwise before an answer; in use it has to read the prompt alone.
        return ids, whole[len(ids) :] if whole[: len(ids)] == ids else self.encode(broken)

    def _conversation(self, turns: Sequence[dict[str, str]]) -> str:
        turns = [{**turn, "content": self._spoken.broken(turn["content"])} for turn in turns]
        own = turns[0]["role"] == "system"
        system_prompt = turns[0]["content"] if own else self.system_prompt
        return self._chat(list(turns[1:] if own else turns), system_prompt)

    def rating_text(self, instruction: str, response: str, reference: str | None = None) -> str:
        """Prompt that asks for a rating, with the reference in view or without, as text."""
        before, after = self._around_response(instruction, reference)
        return before + self._judged.broken(response) + after

    def rating_ids(self, instruction: str, response: str, reference: str | None = None) -> list[int]:
        """Prompt that asks for a rating; if it is too long, the middle of the response is left out.

        Raises PromptTooLong if instruction and reference alone fill `max_tokens`.
        """
        before, after = self._around_response(instruction, reference)
        shown = self._judged.broken(response)
        ids = self.encode(before + shown + after)
        if len(ids) <= self.max_tokens:
            return ids
        head, tail = self.encode(before), self.encode(after)
        room = self.max_tokens - len(head) - len(tail)
        if room < 1:
            raise PromptTooLong(f"instruction and reference alone take {len(head) + len(tail)} of {self.max_tokens} tokens")
        return head + self._without_middle(self.encode(shown), room) + tail

    def _without_middle(self, answer: list[int], room: int) -> list[int]:
        """The first and last tokens of an answer, `room` at most; no mark comes about where they meet."""
        first, last = answer[: room - room // 2], answer[len(answer) - room // 2 :]
        while last and self._judged.found(self.tokenizer.decode(first[-_SEAM:] + last[:_SEAM])):
            last = last[_SEAM:]
        return first + last

    def _around_response(self, instruction: str, reference: str | None) -> tuple[str, str]:
        shown = None if reference is None else self._judged.broken(reference)
        return self.around(self.rating.before_response(self._judged.broken(instruction), shown), self.rating.tail)

    def breaker(self, parts: Iterable[str]) -> MarkBreaker:
        """Breaks in texts what could end their place in a prompt made of `parts`, or the turn around it."""
        return part_breaker(tuple(parts), frozenset(turn_marks(self.tokenizer) | template_tokens(self.tokenizer)))

    def around(self, before: str, tail: str) -> tuple[str, str]:
        """A user's turn from `before` to `tail`, wrapped: all that stands before the text between them, and all behind it.

        Raises ModelError if the chat template changes the turn's text.
        """
        mark = "\ue000selfj-response\ue000"
        wrapped = self._chat([{"role": "user", "content": before + mark + tail}])
        first, found, last = wrapped.rpartition(mark)
        if not found:
            raise ModelError(f"{self.tokenizer.name_or_path}: the chat template drops or changes the text of the user's turn")
        return first, last

    def encode(self, text: str) -> list[int]:
        """Token ids of a text that is already wrapped."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _chat(self, turns: list[dict[str, str]], system_prompt: str = "") -> str:
        if not system_prompt:
            return self._apply(turns)
        try:
            return self._apply([{"role": "system", "content": system_prompt}, *turns])
        except Exception:  # a template without a system role raises whatever its author chose
            return self._apply([{**turns[0], "content": f"{system_prompt}\n\n{turns[0]['content']}"}, *turns[1:]])

    def _apply(self, turns: list[dict[str, str]]) -> str:
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def load_tokenizer(model: str, chat_template: str | None = None, revision: str | None = None) -> Any:
    """Tokenizer of a model folder or name, with `chat_template` (a Jinja file) in place of its own.

    Raises ModelError, in one line, if there is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision, trust_remote_code=False)
    except (OSError, ValueError) as problem:
        raise ModelError(f"{model}: no tokenizer could be loaded: {' '.join(str(problem).split())[:300]}") from None
    if chat_template is not None:
        tokenizer.chat_template = read_template(chat_template)
    return tokenizer


def read_template(path: str) -> str:
    """Text of a chat-template file."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        raise ModelError(f"policy.chat_template: {problem}") from None
