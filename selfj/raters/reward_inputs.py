"""Instruction and answer as a reward model reads them: a chat, or for encoders without a chat template a pair of texts."""

from typing import Any, Protocol

from selfj.errors import ModelError

Encoded = dict[str, list[int]]
"""The model's inputs by name, all of one length: input_ids, attention_mask, and token_type_ids where the tokenizer has them."""


class Inputs(Protocol):
    """One kind of model's reading."""

    def encode(self, instruction: str, response: str) -> Encoded | str:
        """What the model reads, or why it cannot."""


def inputs_of(tokenizer: Any, max_tokens: int) -> Inputs:
    """As the tokenizer has it: its chat template; without one, but with a separator as encoders have it, a pair.

    Raises ModelError if it has neither.
    """
    if tokenizer.chat_template:
        return ChatInputs(tokenizer, max_tokens)
    if tokenizer.sep_token is not None:
        return PairInputs(tokenizer, max_tokens)
    raise ModelError(
        f"{tokenizer.name_or_path}: the reward model has no chat template; name a Jinja file in options.chat_template"
    )


class ChatInputs:
    """The user's turn and the assistant's, in the tokenizer's chat template."""

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens

    def encode(self, instruction: str, response: str) -> Encoded | str:
        """The chat; if it is too long, without the middle of the answer."""
        ids = self._ids(self._chat(instruction, response))
        if len(ids) > self.max_tokens:
            return self._cut(instruction, response)
        return _whole(ids)

    def _cut(self, instruction: str, response: str) -> Encoded | str:
        mark = "\ue000selfj-response\ue000"
        before, found, after = self._chat(instruction, mark).rpartition(mark)
        if not found:
            return "too long, and the chat template does not show where the answer stands"
        head, answer, tail = self._ids(before), self._ids(response), self._ids(after)
        room = self.max_tokens - len(head) - len(tail)
        if room < 1:
            return f"instruction alone takes {len(head) + len(tail)} of {self.max_tokens} tokens"
        return _whole(head + answer[: room - room // 2] + answer[len(answer) - room // 2 :] + tail)

    def _chat(self, instruction: str, response: str) -> str:
        turns = [{"role": "user", "content": instruction}, {"role": "assistant", "content": response}]
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False))


class PairInputs:
    """Instruction and answer as first and second text, as encoders (DeBERTa, RoBERTa) were trained."""

    def __init__(self, tokenizer: Any, max_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens

    def encode(self, instruction: str, response: str) -> Encoded | str:
        """The pair; if it is too long, without the end of the answer."""
        alone = len(self.tokenizer.encode(instruction, ""))
        if alone >= self.max_tokens:
            return f"instruction alone takes {alone} of {self.max_tokens} tokens"
        pair = self.tokenizer(instruction, response, truncation="only_second", max_length=self.max_tokens)
        return {name: list(values) for name, values in pair.items()}


def _whole(ids: list[int]) -> Encoded:
    return {"input_ids": ids, "attention_mask": [1] * len(ids)}
