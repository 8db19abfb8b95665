"""The two tables of a tournament job: who takes part, and who has won."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from selfj.selfjudge.pairs import Verdict
from selfj.selfjudge.tournament import Bracket, Match

CONTESTS, WINNERS = "contests", "winners"


@dataclass
class Contest:
    """An instruction and the responses that compete."""

    contest_id: str
    """Of a run: instruction_id. Of a file: the row's own id or its number, or the instruction's id where rows are grouped."""
    instruction: str
    responses: list[str]
    """At least one."""
    response_ids: list[str]
    """One for each response."""
    category: str
    metadata: str
    """JSON of the instruction's metadata, for its gold."""


@dataclass
class Winner:
    """How one contest went."""

    contest_id: str
    instruction: str
    winner: int | None
    """Place of the winning response, from 0; null where no match could be judged."""
    response_id: str | None
    response: str | None
    """The winner's."""
    responses: int
    """How many took part."""
    matches: int
    """Always one fewer."""
    unjudged: int
    """Matches without a verdict; they went to the response that stood first."""
    ties: int
    """Matches that were judged and undecided; they went the same way."""
    bracket: str
    """JSON: `entrants` (places in the order they were paired in) and `matches`, round by round."""
    reason: str | None
    """Why there is no winner."""


def winner_of(contest: Contest, bracket: Bracket) -> Winner:
    """One contest's row."""
    reason = bracket.reason
    place = None if reason else bracket.winner
    return Winner(
        contest_id=contest.contest_id,
        instruction=contest.instruction,
        winner=place,
        response_id=None if place is None else contest.response_ids[place],
        response=None if place is None else contest.responses[place],
        responses=len(contest.responses),
        matches=len(bracket.matches),
        unjudged=sum(match.verdict.reason is not None for match in bracket.matches),
        ties=sum(match.verdict.tie for match in bracket.matches),
        bracket=bracket_text(bracket),
        reason=reason,
    )


def bracket_text(bracket: Bracket) -> str:
    """A bracket as JSON."""
    return json.dumps({"entrants": bracket.entrants, "matches": [asdict(match) for match in bracket.matches]}, ensure_ascii=False)


def bracket_of(text: str) -> Bracket:
    """The bracket of such a JSON text."""
    values: dict[str, Any] = json.loads(text)
    matches = [Match(**{**match, "verdict": Verdict(**match["verdict"])}) for match in values["matches"]]
    return Bracket(values["entrants"], matches, matches[-1].winner if matches else values["entrants"][0])
