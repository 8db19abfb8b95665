"""The tables of self-training: pairs that are learnt from, and answers to held-out prompts."""

from dataclasses import dataclass

from selfj.training.examples import TRAIN, Example

TIE, IDENTICAL, CLOSE, FLIPS, UNJUDGED = "tie", "identical", "close", "flips", "unjudged"
"""Why a pair is left out: the judge finds both equally good; they are the same text; their scores differ by less than
`min_margin`; the verdict changes with the order; there is no verdict (`reason` says why)."""
LEFT_OUT = (TIE, IDENTICAL, CLOSE, FLIPS, UNJUDGED)


@dataclass
class JudgedPair:
    """Two answers to one prompt, and which is preferred. Table `pairs`; part k is round k if rounds have pairs of their own."""

    instruction_id: str
    number: int
    """Which pass over the prompts it is from, from 0."""
    response_a: str
    response_b: str
    prompt_ids: list[int]
    ids_a: list[int]
    """Tokens of the answer, the end-of-sequence token included if it ended by itself."""
    ids_b: list[int]
    score_a: float | None
    """The judge's, 0 to 1 (selfj.selfjudge.pairs.Verdict); None if it was not asked."""
    score_b: float | None
    flips: bool | None
    """Whether the preferred answer changes with the order they are shown in."""
    preferred: str | None
    """a or b; None if the pair is left out."""
    left_out: str | None
    """One of LEFT_OUT."""
    reason: str | None
    grade_a: float | None
    """From `gold`, where there is one: nothing is learnt from it."""
    grade_b: float | None

    @property
    def example(self) -> Example:
        """What is learnt from a pair that is not left out: rows are its preferred and its rejected answer."""
        better, worse = (self.ids_a, self.ids_b) if self.preferred == "a" else (self.ids_b, self.ids_a)
        key = f"{self.instruction_id}-{self.number}"
        return Example(key, TRAIN, [self.prompt_ids, self.prompt_ids], [better, worse])


@dataclass
class Probe:
    """The policy's answer to a held-out prompt, beside the start's. Table `probes`; part k was answered before round k."""

    instruction_id: str
    response: str
    prompt_ids: list[int]
    ids: list[int]
    finish_reason: str
    """stop or length."""
    grade: float | None
    """From `gold`."""
    start_grade: float | None
    """Of the start's answer to the same prompt with the same seed."""
    score: float | None
    """The judge's for it (0 to 1), in comparison with the start's answer; that of the start is `start_score`."""
    start_score: float | None
    preferred: str | None
    """policy or start; None for a tie, and where there is no verdict."""
    reason: str | None

    @property
    def example(self) -> Example:
        """Its tokens as one row."""
        return Example(self.instruction_id, TRAIN, [self.prompt_ids], [self.ids])
