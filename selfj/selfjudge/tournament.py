"""Self-rejection (METHOD.md B): of N answers to a context, the one that wins a knock-out tournament."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from selfj.records import stable_seed
from selfj.selfjudge.pairs import Pair, PairJudge, Verdict


@dataclass(frozen=True)
class Match:
    """One comparison; `first` and `second` are places in the responses given, `winner` is one of them."""

    round: int
    first: int
    second: int
    verdict: Verdict
    winner: int


@dataclass
class Bracket:
    """How one context's tournament went."""

    entrants: list[int]
    """Places of the responses in the order they were paired in."""
    matches: list[Match] = field(default_factory=list)
    """All matches, round by round: one fewer than there are responses."""
    winner: int = 0
    """Place of the winning response."""

    @property
    def reason(self) -> str | None:
        """Why the winner means nothing: of the last match, where not one match could be judged; else None."""
        judged = not self.matches or any(match.verdict.reason is None for match in self.matches)
        return None if judged else self.matches[-1].verdict.reason

    def winners_of(self, size: int) -> list[int]:
        """Places of the winners of all tournaments of `size` that this one contains: every match ends one.

        All entrants for 1, the winner alone for as many as there are; none for a size that no sub-tournament has. So the
        matches of one tournament of 16 tell what those of 2, 4 and 8 give.
        """
        sizes, found = dict.fromkeys(self.entrants, 1), list(self.entrants) if size == 1 else []
        for match in self.matches:
            sizes[match.winner] = sizes[match.first] + sizes[match.second]
            found += [match.winner] if sizes[match.winner] == size else []
        return found


Rounds = Generator[list[Pair], Sequence[Verdict], list[Bracket]]
"""Gives the pairs of a round, takes their verdicts, and returns the brackets."""


def tournament(contexts: Sequence[str], responses: Sequence[Sequence[str]], judge: PairJudge, seed: int = 0) -> list[Bracket]:
    """One bracket per context. All contexts' matches of a round are judged in one call.

    Who meets whom follows from the seed, the context and the texts of its responses alone, so a context's bracket is the same in
    any batch, and whatever order its responses are given in. An odd one out in a round goes on to the next. A match without a
    winner (a tie, no verdict) goes to the one that stands first. The arguments are not changed.

    Raises ValueError if a context has no response, or if there are not as many lists of responses as contexts.
    """
    played = rounds(contexts, responses, seed)
    try:
        pairs = next(played)
        while True:
            pairs = played.send(judge.compare(pairs))
    except StopIteration as end:
        brackets: list[Bracket] = end.value
        return brackets


def rounds(contexts: Sequence[str], responses: Sequence[Sequence[str]], seed: int = 0) -> Rounds:
    """The same tournaments, round by round, for who asks a judge in another way (an endpoint waits for its own)."""
    for place, (_, answers) in enumerate(zip(contexts, responses, strict=True)):
        if not answers:
            raise ValueError(f"context {place} has no responses")
    brackets = [Bracket(_paired_order(seed, context, answers)) for context, answers in zip(contexts, responses, strict=True)]
    standing = [list(bracket.entrants) for bracket in brackets]
    number = 0
    while any(len(left) > 1 for left in standing):
        meetings = [(place, first, second) for place, left in enumerate(standing) for first, second in _meetings(left)]
        verdicts = yield [
            Pair(contexts[place], responses[place][first], responses[place][second]) for place, first, second in meetings
        ]
        going_on: list[list[int]] = [left[len(left) - len(left) % 2 :] for left in standing]
        for (place, first, second), verdict in zip(meetings, verdicts, strict=True):
            winner = second if verdict.preferred == "b" else first
            brackets[place].matches.append(Match(number, first, second, verdict, winner))
            going_on[place].append(winner)
        standing, number = going_on, number + 1
    for bracket, left in zip(brackets, standing, strict=True):
        bracket.winner = left[0]
    return brackets


def _paired_order(seed: int, context: str, answers: Sequence[str]) -> list[int]:
    """Places in an order that is random, but the same for the same texts."""
    return sorted(range(len(answers)), key=lambda place: (stable_seed(seed, context, answers[place]), answers[place], place))


def _meetings(standing: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(standing[0::2], standing[1::2], strict=False)
