"""Hashes of tokens: the same as of the tokens that a regular expression finds."""

import re

from hypothesis import given
from hypothesis import strategies as st

from selfj.collect.near import tokens
from selfj.collect.near.tokens import SIGNS, token_hashes
from selfj.collect.words import CHARACTERS
from selfj.records import normalised

TOKEN = re.compile(rf"[{CHARACTERS}]|[^\W{CHARACTERS}]+|[{re.escape(SIGNS)}]")
TEXTS = st.lists(st.text(st.sampled_from("aZ09_ \t\n\x1c-+*/=<>%^|~&$#.,!?éÀÅİß日本ｱ한\u0301½²٣ﬁ𝔸😀"), max_size=30), max_size=20)


def tokens_of(text: str) -> list[str]:
    """The text itself if it has none."""
    return TOKEN.findall(normalised(text)) or [text]


@given(TEXTS)
def test_each_token_has_a_hash_of_its_own_that_is_the_same_wherever_it_stands(texts: list[str]) -> None:
    hashes, counts = token_hashes(texts)
    words = [tokens_of(text) for text in texts]
    assert counts.tolist() == [len(found) for found in words]
    pairs = set(zip((word for found in words for word in found), hashes.tolist(), strict=True))
    assert len(pairs) == len({word for word, _ in pairs}) == len({number for _, number in pairs})


def test_texts_are_cut_alike_whether_they_come_together_or_alone() -> None:
    texts = ["a b " * 50_000, "", "?!", "b" * 300_000, "Größe 日本 x+y", "a"]
    assert sum(map(len, texts)) > tokens._PIECE_BYTES
    together, counts = token_hashes(texts)
    alone = [token_hashes([text]) for text in texts]
    assert together.tolist() == [number for hashes, _ in alone for number in hashes.tolist()]
    assert counts.tolist() == [int(count) for _, one in alone for count in one] == [100_000, 1, 1, 1, 6, 1]


def test_case_and_spaces_make_no_difference_and_signs_do() -> None:
    def of(text: str) -> list[int]:
        return [int(number) for number in token_hashes([text])[0]]

    assert of("What  IS\n2+3?") == of("what is 2 + 3") != of("what is 2 - 3")
    assert of("ﬁne Ａ") == of("fine a")
    assert of("???") != of("!!!") != of("")
