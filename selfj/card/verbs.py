"""Verb and direct object of an instruction ("write", "story"), by a rule: no parser with its model can be installed from PyPI.

The rule, with lemminflect's lexicon (which words can be verbs or nouns, and their lemmas) and the lists of `words.txt`:

1. Of the first four clauses, the first that begins with a verb in its base form is the request. Words of politeness and the like
   ("please", "can you", "your task is to") may stand before it. A clause before it that begins with a question word or an
   auxiliary makes the instruction a question.
2. The object is the last of the nouns that stand together first behind the verb, determiners, numbers and adjectives between; a
   preposition, a conjunction, another verb or a mark ends the search.

It errs where only a parser would not: names that are verbs ("Mark …"), objects behind a clause or a comma.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

Kind = Literal["request", "question", "other"]


class Request(NamedTuple):
    """What an instruction asks for."""

    kind: Kind
    verb: str = ""
    """Lemma; empty unless it is a request."""
    noun: str = ""
    """Lemma of the object; empty if there is none."""


_READ = 400
"""Characters of an instruction that are looked at."""
_CLAUSES = 4
_CLAUSE_ENDS = re.compile(r"[.!?;:\n,()\"“”]+(?=\s|$)|[\n\"“”]+|\s[-–—]\s")
_TOKEN = re.compile(r"[A-Za-z][\w'’+#.-]*[\w+#]|[A-Za-z]|\d[\d.,%]*|\S")
_LEAD = re.compile(
    r"\A(?:(?:hi|hello|hey|okay|ok|so|now|then|next|first|finally|also|and|please|kindly|just|simply|briefly|carefully|quickly|"
    r"go ahead and|try to|let's|let us|help me(?: to)?|(?:can|could|would|will) you(?: please)?(?: help me(?: to)?)?|"
    r"i (?:want|need|would like|'d like) you to|i (?:want|need|would like) to|you (?:should|must|need to|have to|are to|will)|"
    r"your (?:task|job|goal) is to|the (?:task|goal) is to|we (?:want|need) to)\s+)+",
    re.IGNORECASE,
)


def _words() -> dict[str, frozenset[str]]:
    """The lists of `words.txt` by name."""
    lists: dict[str, list[str]] = {}
    for line in files("selfj.card").joinpath("words.txt").read_text("utf-8").splitlines():
        name, _, words = line.partition(": ")
        lists.setdefault(name, []).extend(words.split())
    return {name: frozenset(words) for name, words in lists.items()}


_LISTS = _words()
_QUESTION = _LISTS["question"]
_PASSED_OVER = _LISTS["passed_over"]
"""Words between a verb and its object."""
_ENDS = _LISTS["ends"]
"""Words behind which no object comes any more."""
_NO_REQUEST = _LISTS["no_request"]
"""Base forms that begin a clause for other reasons more often."""
_BEHIND_A_SUBJECT = _LISTS["behind_a_subject"]
"""Words behind a first word that make it no verb, but what the clause is about."""


def request_of(instruction: str) -> Request:
    """What an instruction asks for, by the rule above."""
    for clause in _clauses(instruction):
        words = _TOKEN.findall(_LEAD.sub("", clause, count=1))
        if not words:
            continue
        verb = _base_verb(words)
        if verb:
            return Request("request", verb, _object(words[1:]))
        if words[0].lower() in _QUESTION:
            return Request("question")
    return Request("other")


def _clauses(instruction: str) -> list[str]:
    found = [clause.strip() for clause in _CLAUSE_ENDS.split(instruction[:_READ])]
    return [clause for clause in found if clause][:_CLAUSES]


def _base_verb(words: list[str]) -> str:
    """The first word, if it is a verb in its base form and not what the clause is about ("Jack has …")."""
    word = words[0].lower()
    if word in _QUESTION or word in _NO_REQUEST or word not in _lemmas(word).get("VERB", ()):
        return ""
    behind = words[1].lower() if len(words) > 1 else ""
    alone = not behind and words[0][0].isupper() and "NOUN" in _lemmas(word)
    return "" if alone or behind in _BEHIND_A_SUBJECT else word


def _object(words: list[str]) -> str:
    noun = ""
    for word in (word.lower() for word in words):
        if word in _PASSED_OVER or word[0].isdigit():
            if noun:
                break
            continue
        kinds = _lemmas(word)
        if word in _ENDS or not word[0].isalpha() or (noun and _acts(word, kinds)):
            break
        if "NOUN" in kinds or "PROPN" in kinds:
            noun = word
        elif kinds and "ADJ" not in kinds:
            break
    return _noun_lemma(noun)


def _acts(word: str, kinds: dict[str, tuple[str, ...]]) -> bool:
    """Whether a word behind a noun is rather a verb of it ("a story describing …"), unlike "machine learning"."""
    return "VERB" in kinds and (word.endswith("ed") or "NOUN" not in kinds)


def _noun_lemma(word: str) -> str:
    lemmas = _lemmas(word).get("NOUN", ()) if word else ()
    return word if not lemmas or word in lemmas else lemmas[0]


@cache
def _lemmas(word: str) -> dict[str, tuple[str, ...]]:
    """Part of speech → lemmas of a word; empty if the lexicon does not have it."""
    from lemminflect import getAllLemmas

    return dict(getAllLemmas(word))
