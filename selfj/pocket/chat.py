"""How pocket policies read and write: special tokens, chat template, and the two prompts they were trained on."""

from __future__ import annotations

from selfj.prompts import RATING_PROMPTS

PAD, USER, ASSISTANT, END = SPECIAL_TOKENS = ("<|pad|>", "<|user|>", "<|assistant|>", "<|end|>")

CHAT_TEMPLATE = (
    "{%- set turn = namespace(system='') -%}"
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}{%- set turn.system = message['content'] + '\n' -%}"
    "{%- elif message['role'] == 'user' -%}{{- '<|user|>' + turn.system + message['content'] -}}{%- set turn.system = '' -%}"
    "{%- elif message['role'] == 'assistant' -%}{{- '<|assistant|>' + message['content'] + '<|end|>' -}}"
    "{%- else -%}{{- raise_exception('unknown role ' + message['role'] + ': expected system, user or assistant') -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def answer_prompt(instruction: str) -> str:
    """Prompt for an answer; the chat template makes the same text."""
    return f"{USER}{instruction}{ASSISTANT}"


def rating_question(instruction: str, reference: str) -> str:
    """Opening of a rating turn, up to the answer."""
    return USER + RATING_PROMPTS["short"].before_response(instruction, reference)


def rating_prompt(instruction: str, reference: str, response: str) -> str:
    """Prompt for a rating with the reference in view (there is no other: policies never see a rating without it)."""
    return f"{rating_question(instruction, reference)}{response}{ASSISTANT}"
