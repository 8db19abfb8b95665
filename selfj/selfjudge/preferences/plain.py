"""Rows that are pairs already (UltraFeedback binarized too): texts or conversations, with scores and ratings if there are any."""

from typing import Any

from selfj.collect.fields import metadata_of, optional_text, value_of, without
from selfj.collect.formats.base import RowProblem
from selfj.collect.formats.jsonl import json_kind
from selfj.selfjudge.preferences.draft import Draft, conversation, number_of, same_prompt, split_answer
from selfj.selfjudge.preferences.table import Opinion, Turns
from selfj.selfjudge.settings import PairFieldSettings
from selfj.selfjudge.wording import PRINCIPLES


def plain_pair(values: dict[str, Any], fields: PairFieldSettings) -> Draft:
    """The pair of a row. Raises RowProblem, naming the column, for what is missing or of the wrong kind."""
    before_chosen, chosen = _answer(values, fields.chosen, "chosen")
    before_rejected, rejected = _answer(values, fields.rejected, "rejected")
    before = same_prompt(before_chosen, before_rejected)
    return Draft(
        turns=before or _prompt(values, fields),
        chosen=chosen,
        rejected=rejected,
        score_chosen=_score(values, fields.score_chosen),
        score_rejected=_score(values, fields.score_rejected),
        opinions=_opinions(values, fields.principles),
        metadata=metadata_of(values, fields.metadata),
    )


def _answer(values: dict[str, Any], names: list[str], field: str) -> tuple[Turns, str]:
    """What was said before an answer, where the column holds a conversation; and the answer."""
    name, value = _first(values, names)
    if value is None:
        raise without(values, names, field)
    if isinstance(value, str):
        return [], value
    if not isinstance(value, list):
        raise RowProblem(f"wrong type: {json_kind(value)} where a text or a list of turns is expected", name)
    return split_answer(conversation(value, name), name)


def _prompt(values: dict[str, Any], fields: PairFieldSettings) -> Turns:
    name, value = _first(values, fields.messages)
    if value is None:
        name, value = _first(values, fields.prompt)
    if value is None:
        raise without(values, [*fields.prompt, *fields.messages], "prompt")
    if not isinstance(value, str):
        return conversation(value, name)
    given_input = optional_text(values, fields.input)
    return conversation(f"{value}\n\n{given_input}" if given_input else value, name)


def _first(values: dict[str, Any], names: list[str]) -> tuple[str, Any]:
    """Name and content of the first of several columns that holds something."""
    for name in names:
        value = value_of(values, name)
        if value not in (None, "", []):
            return name, value
    return names[0] if names else "", None


def _score(values: dict[str, Any], names: list[str]) -> float | None:
    name, value = _first(values, names)
    return number_of(value, name)


def _opinions(values: dict[str, Any], names: list[str]) -> dict[str, Opinion]:
    name, value = _first(values, names)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RowProblem(f"wrong type: {json_kind(value)} where an object of principles is expected", name)
    return {str(principle): _opinion(f"{name}.{principle}", entry) for principle, entry in value.items() if entry is not None}


def _opinion(name: str, entry: Any) -> Opinion:
    principle = name.rpartition(".")[2]
    if principle not in PRINCIPLES:
        raise RowProblem(f"unknown principle: {principle[:40]!r} where one of {', '.join(PRINCIPLES)} is expected", name)
    if not isinstance(entry, dict):
        raise RowProblem(f"wrong type: {json_kind(entry)} where {{chosen: …, rejected: …}} is expected", name)
    return Opinion(
        chosen=number_of(entry.get("chosen"), f"{name}.chosen"),
        rejected=number_of(entry.get("rejected"), f"{name}.rejected"),
        rationale_chosen=optional_text(entry, ["rationale_chosen"]),
        rationale_rejected=optional_text(entry, ["rationale_rejected"]),
    )
