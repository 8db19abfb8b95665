"""Marks that give a prompt its structure, and how they are broken in texts that only fill its places.

A text to be judged may say `<|im_start|>`, `[/INST]` or `[Answer]`. Left as it is, the first becomes the token that begins a
turn, and the last looks like the place where the answer stands. So one blank goes into every such mark of a text:
`< |im_start|>`, `[ Answer]`. A reader sees nearly the same, a model reads plain text; a text without marks stays as it is.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import cache
from typing import Any

FAMILIES = (
    *("<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>", "<start_of_turn>", "<end_of_turn>"),
    *("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
)
"""Chat marks of well-known families, broken for every model: it may have read them in training."""
_BARRED = r"<(?=\|[^<>|\n]{1,40}\|>)"
"""`<|anything|>`, as most families write their marks."""
_LINE_START = "[\n\r\v\f\x1c-\x1e\x85\u2028\u2029][^\\S\n]*"
_PLAIN = re.compile(r"[\t\n\r -~]*")
_SHORTEST = 3
"""A special token of fewer characters is a character of ordinary text that a tokenizer also uses as, say, padding."""


class MarkBreaker:
    """Puts a blank into every mark of a text, whatever its case, also if it is written in full-width or with hidden characters.

    Args:
        marks: broken wherever they stand.
        line_marks: broken where they begin a line, not the text.
    """

    def __init__(self, marks: Collection[str], line_marks: Collection[str] = ()) -> None:
        lowered = {mark.lower() for mark in marks} | {_folded(mark).lower() for mark in marks}
        words = {mark for mark in lowered if mark[0].isalnum()}
        self._breaks = [(_starts(lowered - words), r"\g<0> ")]
        for lead, labels in ((r"\b", words), (_LINE_START, {mark.lower() for mark in line_marks})):
            if labels:
                self._breaks.append((_ends(lead, labels), r"\g<0> "))

    def broken(self, text: str) -> str:
        """The text with its marks broken.

        One that hides marks (`［Answer］`, zero-width characters) is first written in the characters that these stand for.
        """
        shown = self._broken(text)
        if _PLAIN.fullmatch(shown):
            return shown
        folded = _folded(shown)
        return self._broken(folded) if self.found(folded) else shown

    def found(self, text: str) -> bool:
        """Whether the text has a mark."""
        return any(pattern.search(text) for pattern, _ in self._breaks)

    def _broken(self, text: str) -> str:
        for pattern, blank_behind in self._breaks:
            text = pattern.sub(blank_behind, text)
        return text


@cache
def part_breaker(parts: tuple[str, ...], turns: frozenset[str] = frozenset(FAMILIES)) -> MarkBreaker:
    """Breaks what could end a text's place in a prompt.

    Args:
        parts: how the prompt's parts begin: `[Answer]` is broken anywhere, `Answer:` only where it begins a line.
        turns: what could end the turn that the prompt stands in.
    """
    marks = {part.strip() for part in parts} - {""}
    labels = {mark for mark in marks if mark[0].isalnum()}
    return MarkBreaker({*turns, *(marks - labels)}, labels)


def turn_marks(tokenizer: Any) -> set[str]:
    """What could forge a turn for a model: its special tokens, what its chat template writes between turns, and FAMILIES."""
    added = _added_tokens(tokenizer)
    special = {token for token, is_special in added.items() if is_special and _is_mark(token)}
    return special | _between_turns(tokenizer, added) | set(FAMILIES)


def template_tokens(tokenizer: Any) -> set[str]:
    """Tokens of their own that are not special, but that the chat template gives a meaning: `<think>`, `<tool_call>` …"""
    template = str(tokenizer.chat_template)
    return {token for token in _added_tokens(tokenizer) if token in template and _is_mark(token)}


def _added_tokens(tokenizer: Any) -> dict[str, bool]:
    """Tokens beside the vocabulary, and whether each is special."""
    return {str(token): bool(token.special) for token in getattr(tokenizer, "added_tokens_decoder", {}).values()}


def _is_mark(text: str) -> bool:
    return len(text) >= _SHORTEST and any(c.isalnum() for c in text) and not all(c.isalnum() or c.isspace() for c in text)


def _between_turns(tokenizer: Any, added: Iterable[str]) -> set[str]:
    """Plain text that the template writes between turns, without tokens of their own: `ASSISTANT:`, `### Response:` …"""
    content = "\ue000"
    turns = [{"role": role, "content": content} for role in ("user", "assistant", "user")]
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except Exception:  # a template for single turns raises whatever its author chose
        return set()
    between = "\n".join(str(text).split(content)[1:])
    pieces = re.split("|".join([*map(re.escape, sorted(added, key=len, reverse=True)), "\n"]), between)
    return {piece.strip() for piece in pieces if len(piece.strip()) > _SHORTEST and _is_mark(piece.strip())}


def _starts(marks: Iterable[str]) -> re.Pattern[str]:
    """First character of any of the marks that begin with a sign, where the whole mark stands."""
    tree: dict[str, Any] = {}
    for mark in marks:
        node = tree
        for character in mark:
            node = node.setdefault(character, {})
        node[""] = {}
    firsts = [f"{re.escape(first)}(?={_branches(rest)})" for first, rest in tree.items()]
    return re.compile("|".join([*firsts, _BARRED]), re.IGNORECASE)


def _branches(tree: dict[str, Any]) -> str:
    """Pattern of a tree of characters: a search takes as long among thousands of marks as among a few."""
    if "" in tree:
        return ""
    branches = [re.escape(character) + _branches(rest) for character, rest in tree.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _ends(lead: str, labels: Iterable[str]) -> re.Pattern[str]:
    """Labels up to their last character, where the whole label stands."""
    whole = "|".join(f"{re.escape(label[:-1])}(?={re.escape(label[-1])})" for label in sorted(labels))
    return re.compile(f"{lead}(?:{whole})", re.IGNORECASE)


def _folded(text: str) -> str:
    """The text in plain characters: compatibility forms replaced, characters without width or glyph left out."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c in "\t\n\r" or unicodedata.category(c) not in ("Cf", "Cc"))
