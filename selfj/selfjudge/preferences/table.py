"""The tables `preferences` and `prompts`: one dataclass per row (selfj.records makes the Arrow schemas)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfj.records import stable_seed

Turns = list[dict[str, str]]
"""A conversation up to the answer: `role` (system, user or assistant) and `content`."""


@dataclass
class Preference:
    """Two answers to one prompt, of which one is preferred."""

    pair_id: str
    """Hash of prompt and answers, preferred one first: 32 hexadecimal digits."""
    instruction_id: str
    """Hash of the instruction (selfj.records.instruction_id): what pairs are split by."""
    instruction: str
    """The prompt as a judge is shown it: the user's text, or a conversation with its speakers named."""
    messages: str | None
    """JSON of the Turns, where the prompt is more than one user's turn."""
    chosen: str
    rejected: str
    score_chosen: float | None
    """On the source's scale; None if it has none."""
    score_rejected: float | None
    principles: str | None
    """JSON of principle → Opinion's fields, for the principles that somebody rated."""
    exchanged: bool
    """Whether the two answers were exchanged on purpose (PairSourceSettings.noise)."""
    source: str
    row: int
    """Row of the source, from 0; UltraFeedback's rows give several pairs."""
    split: str
    """test, prompts, held_out or train (selfj.selfjudge.settings.SPLITS)."""
    metadata: str
    """JSON of the columns that the source asked to keep."""

    @property
    def gap(self) -> float | None:
        """By how much the preferred answer's score is the higher one (below 0 where the preference is wrong)."""
        if self.score_chosen is None or self.score_rejected is None:
            return None
        return self.score_chosen - self.score_rejected

    @property
    def opinions(self) -> "dict[str, Opinion]":
        """What is known under each principle."""
        found = json.loads(self.principles) if self.principles else {}
        return {name: Opinion(**values) for name, values in found.items()}

    @property
    def turns(self) -> Turns:
        """The prompt as a conversation."""
        return turns_of_prompt(self.instruction, self.messages)


@dataclass
class Prompt:
    """One prompt of the pairs, without answers; rows of all splits, each instruction once."""

    instruction_id: str
    instruction: str
    messages: str | None
    source: str
    row: int
    split: str
    metadata: str

    @property
    def turns(self) -> Turns:
        """The prompt as a conversation."""
        return turns_of_prompt(self.instruction, self.messages)


@dataclass(frozen=True)
class Opinion:
    """What somebody made of the two answers of a pair under one principle."""

    chosen: float | None = None
    """Rating of the answer that is preferred over all."""
    rejected: float | None = None
    rationale_chosen: str | None = None
    rationale_rejected: str | None = None

    @property
    def prefers_chosen(self) -> bool | None:
        """Which answer is better under it; None if equal or not rated."""
        if self.chosen is None or self.rejected is None or self.chosen == self.rejected:
            return None
        return self.chosen > self.rejected

    def exchanged(self) -> "Opinion":
        """The same, with the answers in each other's place."""
        return Opinion(self.rejected, self.chosen, self.rationale_rejected, self.rationale_chosen)


def turns_of_prompt(instruction: str, messages: str | None) -> Turns:
    """The conversation that a policy answers."""
    return [{"role": "user", "content": instruction}] if messages is None else json.loads(messages)


def shown(turns: Sequence[Mapping[str, str]]) -> str:
    """A conversation as the text a judge is shown: a single user's turn as it is, else each turn after its speaker's name."""
    if len(turns) == 1 and turns[0]["role"] == "user":
        return turns[0]["content"]
    return "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns)


def pair_id(instruction: str, chosen: str, rejected: str) -> str:
    """128-bit hash of a pair, as 32 hexadecimal digits."""
    text = "\x1f".join((instruction, chosen, rejected)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16, person=b"pair").hexdigest()


def split_of(key: str, fractions: Mapping[str, float]) -> str:
    """Split of an instruction by its hash: the lowest hashes belong to the first split named; `train` has what is left."""
    place = stable_seed("pairs", key) / 2**63
    for name, fraction in fractions.items():
        if place < fraction:
            return name
        place -= fraction
    return "train"


def opinions_json(opinions: Mapping[str, Opinion]) -> str | None:
    """What a table holds of them; None if there are none."""
    values: dict[str, Any] = {
        name: {key: value for key, value in vars(one).items() if value is not None} for name, one in opinions.items()
    }
    return json.dumps(values, ensure_ascii=False) if values else None
