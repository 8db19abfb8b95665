"""What counts as a word."""

import re

CHARACTERS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts without spaces between words, Japanese kana and Chinese characters: there, one character counts as one word."""
_WORDS = re.compile(rf"[{CHARACTERS}]|[^\s{CHARACTERS}]+")


def count_words(text: str) -> int:
    """Number of words: what stands between spaces, and each Chinese or Japanese character."""
    return len(words_of(text))


def words_of(text: str) -> list[str]:
    """The words of a text in order."""
    return text.split() if text.isascii() else _WORDS.findall(text)
