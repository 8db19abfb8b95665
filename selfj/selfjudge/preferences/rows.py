"""Rows of a source → rows of `preferences`, by whichever reader knows the form they have."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from selfj.collect.formats.base import RawRow, RowProblem, printable
from selfj.collect.sources import Shard, read_shard
from selfj.collect_settings import CollectSettings, FieldSettings, SourceSettings
from selfj.parts import MadePart
from selfj.records import Rejected, instruction_id, rejected, stable_seed, to_table
from selfj.run import RunFolder
from selfj.selfjudge.preferences.draft import Draft
from selfj.selfjudge.preferences.plain import plain_pair
from selfj.selfjudge.preferences.table import Preference, opinions_json, pair_id, shown, split_of
from selfj.selfjudge.preferences.transcripts import is_transcript, transcript_pair
from selfj.selfjudge.preferences.ultrafeedback import is_rated, rated_pairs
from selfj.selfjudge.settings import SPLITS, PairSourceSettings, PreferenceSettings

STEP = "preferences"


def reading_of(settings: PreferenceSettings) -> CollectSettings:
    """The sources as collection reads them: with all their columns."""
    sources = [_source(source) for source in settings.sources]
    return CollectSettings(sources=sources, max_line_megabytes=settings.max_line_megabytes)


def _source(source: PairSourceSettings) -> SourceSettings:
    names = ("path", "name", "format", "split", "config", "revision", "rows", "seed")
    given: dict[str, Any] = {name: getattr(source, name) for name in names}
    return SourceSettings(**given, fields=FieldSettings(instruction=[]))


class PreferenceMaker:
    """Reads one shard."""

    def __init__(self, settings: PreferenceSettings, shards: list[Shard]) -> None:
        self.settings = settings
        self.shards = shards
        self.reading = reading_of(settings)
        self.fractions = {name: getattr(settings, f"{name}_fraction") for name in SPLITS[:-1]}

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Pairs of shard `part`; a row, or a pair of a row, that cannot be used is rejected."""
        shard = self.shards[part]
        source = self.settings.sources[shard.source]
        pairs: list[Preference] = []
        rejects: list[Rejected] = []
        for raw in read_shard(shard, self.reading):
            for found in drafts_of(raw, source):
                if isinstance(found, Draft):
                    pairs.append(self._preference(found, shard.label, raw.row, source.noise))
                else:
                    rejects.append(_reject(raw, shard.label, found))
        return MadePart(to_table(Preference, pairs), rejects, len(pairs) + len(rejects))

    def _preference(self, draft: Draft, label: str, row: int, noise: float) -> Preference:
        instruction = shown(draft.turns)
        key = instruction_id(instruction)
        split = split_of(key, self.fractions)
        wrong = split == "train" and stable_seed("noise", pair_id(instruction, draft.chosen, draft.rejected)) < noise * 2**63
        pair = _exchanged(draft) if wrong else draft
        return Preference(
            pair_id=pair_id(instruction, pair.chosen, pair.rejected),
            instruction_id=key,
            instruction=instruction,
            messages=_messages(draft),
            chosen=pair.chosen,
            rejected=pair.rejected,
            score_chosen=pair.score_chosen,
            score_rejected=pair.score_rejected,
            principles=opinions_json(pair.opinions),
            exchanged=wrong,
            source=label,
            row=row,
            split=split,
            metadata=draft.metadata,
        )


def drafts_of(raw: RawRow, source: PairSourceSettings) -> Iterator[Draft | RowProblem]:
    """The pairs of a row, and why there are no others."""
    try:
        if raw.problem or raw.values is None:
            yield raw.problem or RowProblem("empty row")
            return
        for found in _read(raw.values, source):
            yield found if isinstance(found, RowProblem) else _checked(found)
    except RowProblem as problem:
        yield problem


def _read(values: dict[str, Any], source: PairSourceSettings) -> Iterator[Draft | RowProblem]:
    if source.kind == "ultrafeedback" or (source.kind == "auto" and is_rated(values)):
        yield from rated_pairs(values, source.completions)
    elif source.kind == "hh" or (source.kind == "auto" and is_transcript(values.get("chosen"))):
        yield transcript_pair(values)
    else:
        yield plain_pair(values, source.fields)


def _checked(draft: Draft) -> Draft | RowProblem:
    try:
        return draft.checked()
    except RowProblem as problem:
        return problem


def _exchanged(draft: Draft) -> Draft:
    """The same pair, with the other answer preferred."""
    return replace(
        draft,
        chosen=draft.rejected,
        rejected=draft.chosen,
        score_chosen=draft.score_rejected,
        score_rejected=draft.score_chosen,
        opinions={name: opinion.exchanged() for name, opinion in draft.opinions.items()},
    )


def _messages(draft: Draft) -> str | None:
    alone = len(draft.turns) == 1
    return None if alone else json.dumps(draft.turns, ensure_ascii=False)


def _reject(raw: RawRow, label: str, problem: RowProblem) -> Rejected:
    content = raw.content or (json.dumps(raw.values, ensure_ascii=False, default=str) if raw.values else "")
    return rejected(STEP, label, problem.reason, row=raw.row, field=problem.field, content=printable(content))
