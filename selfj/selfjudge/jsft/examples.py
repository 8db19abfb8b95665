"""A pair as token ids: one example to answer from, and judge examples with the answers in both positions (METHOD.md B, JSFT)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from selfj.judge.encode import end_id
from selfj.prompts import PromptEncoder, PromptTooLong, load_tokenizer
from selfj.records import stable_seed
from selfj.selfjudge.preferences.table import Opinion, Preference
from selfj.selfjudge.wording import OVERALL, PairEncoder
from selfj.training.examples import TRAIN, Example

SFT, JUDGE = 0, 1
"""Kinds of examples."""

NONE = float("nan")


class Facts(NamedTuple):
    """The numbers of an example (Example.numbers)."""

    kind: float
    """SFT or JUDGE."""
    pair: float
    """Number of the pair: a 48-bit hash."""
    principle: float = NONE
    """Place of the principle in the settings; judge examples only, as all that follows."""
    chosen_first: float = NONE
    """1 if the preferred answer is shown first, else 0."""
    chosen_preferred: float = NONE
    """1 if the preferred answer is the better one under the principle too, 0 if the other is, NaN if nobody said."""
    gap: float = NONE
    """Difference of the two answers' scores; NaN if they have none."""


@dataclass(frozen=True)
class Wording:
    """How a pair becomes ids; the same in every worker."""

    base_model: str
    revision: str | None
    chat_template: str | None
    system_prompt: str
    prompts: str
    """Key of PAIR_PROMPTS."""
    principles: tuple[str, ...]
    max_tokens: int
    """Longest prompt with its target."""
    answers: bool
    """Whether answers are learnt (they are validated in any case, as verdicts are)."""
    verdicts: bool
    """Whether verdicts are learnt."""
    rationales: bool

    def encoder(self) -> PromptEncoder:
        """Wraps texts; a judge's prompt leaves room for the label."""
        tokenizer = load_tokenizer(self.base_model, self.chat_template, self.revision)
        return PromptEncoder(tokenizer, "standard", self.max_tokens - 1, self.system_prompt)

    def pair_encoder(self) -> PairEncoder:
        """Makes judge prompts. Raises ModelError if the labels are not single tokens in them."""
        return PairEncoder(self.encoder(), self.prompts)


class PairExamples:
    """Makes the examples of a pair."""

    def __init__(self, wording: Wording) -> None:
        self.wording = wording
        self.judging = wording.pair_encoder()
        self.encoder = self.judging.encoder
        self.end = end_id(self.encoder)

    def of(self, pair: Preference, role: str) -> Iterator[Example | str]:
        """All examples of a pair in a role, or why one of them cannot be made."""
        number = float(stable_seed("pair", pair.pair_id) >> 15)
        if self.wording.answers or role != TRAIN:
            yield self._answer(pair, role, number)
        if self.wording.verdicts or role != TRAIN:
            for place, principle in enumerate(self.wording.principles):
                yield from self._verdicts(pair, role, principle, Facts(JUDGE, number, place))

    def _answer(self, pair: Preference, role: str, number: float) -> Example | str:
        """The prompt, and the preferred answer with its end; an answer that does not fit loses its end, and has none to learn."""
        prompt, answer = self.encoder.answered_ids(pair.turns, pair.chosen)
        room = self.wording.max_tokens - len(prompt)
        if room < 2:
            return f"the prompt alone takes {len(prompt)} of {self.wording.max_tokens} tokens"
        target = [*answer, self.end] if len(answer) < room else answer[:room]
        return Example(f"{pair.pair_id}-sft", role, [prompt], [target], Facts(SFT, number))

    def _verdicts(self, pair: Preference, role: str, principle: str, facts: Facts) -> Iterator[Example | str]:
        """Both positions; nothing to learn from where nobody rated both answers under the principle."""
        opinion = pair.opinions.get(principle, Opinion())
        preferred = True if principle == OVERALL else opinion.prefers_chosen
        if preferred is None and role == TRAIN:
            return
        known = NONE if preferred is None else float(preferred)
        gap = NONE if pair.gap is None else pair.gap
        for chosen_first in (True, False):
            said = facts._replace(chosen_first=float(chosen_first), chosen_preferred=known, gap=gap)
            try:
                prompt = self._prompt(pair, principle, chosen_first)
            except PromptTooLong as problem:
                yield str(problem)
                continue
            label = 0 if chosen_first == (preferred is not False) else 1
            rationale = self._rationale(opinion, chosen_first, self.wording.max_tokens - len(prompt) - 1)
            key = f"{pair.pair_id}-{principle}-{'ab'[label]}"
            yield Example(key, role, [prompt], [[self.judging.labels[label], *rationale]], said)

    def _prompt(self, pair: Preference, principle: str, chosen_first: bool) -> list[int]:
        first, second = (pair.chosen, pair.rejected) if chosen_first else (pair.rejected, pair.chosen)
        return self.judging.ids(pair.instruction, first, second, principle)

    def _rationale(self, opinion: Opinion, chosen_first: bool, room: int) -> list[int]:
        """What follows the label: a rationale of each answer that has one, and the end of the turn unless it has to be cut."""
        said = (opinion.rationale_chosen, opinion.rationale_rejected)
        shown = zip((self.judging.prompt.first, self.judging.prompt.second), said if chosen_first else said[::-1], strict=True)
        text = "".join(heading + self.judging.breaker.broken(rationale) for heading, rationale in shown if rationale)
        if not self.wording.rationales or not text:
            return []
        ids = [*self.encoder.encode(text), self.end]
        return ids[:room]
