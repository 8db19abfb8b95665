"""The step `preferences`: sources → `preferences` (one part a shard of a source) → `prompts` (each instruction once)."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator

from selfj.collect.sources import check_names, name_of, plan_source
from selfj.config import as_dict
from selfj.errors import DataError
from selfj.parts import Pool, Table, make_table
from selfj.records import from_table, to_table
from selfj.run import RunFolder
from selfj.selfjudge.preferences.rows import STEP, PreferenceMaker, reading_of
from selfj.selfjudge.preferences.table import Preference, Prompt
from selfj.selfjudge.settings import SPLITS, SelfJudgeSettings
from selfj.tables import Fingerprint, Manifest, timed


def make_preferences(run: RunFolder, settings: SelfJudgeSettings) -> Manifest:
    """Make the tables `preferences` and `prompts`; finished ones are left alone.

    `rows_in` counts pairs, and what gave none: each is a pair or a reject with a reason. Raises DataError if a source cannot
    be read at all, or if nothing is left.
    """
    chosen = settings.preferences
    reading = reading_of(chosen)
    check_names([name_of(source) for source in reading.sources])
    plans = [plan_source(number, reading) for number in range(len(reading.sources))]
    shards = [shard for plan in plans for shard in plan.shards]
    inputs = {label: content for plan in plans for label, content in plan.inputs.items()}
    table = Table(STEP, STEP, Fingerprint(as_dict(chosen, resources=False), inputs), list(range(len(shards))))
    manifest = make_table(run, table, functools.partial(PreferenceMaker, chosen, shards), Pool(chosen.workers))
    if not manifest.rows_out:
        reasons = Counter(_kind(text) for text in run.table(STEP).rejected().column("reason").to_pylist())
        said = ", ".join(f"{kind} {count:,}" for kind, count in reasons.most_common()) or "the sources are empty"
        raise DataError(f"{run.address}/preferences: no pair is left of {manifest.rows_in:,} rows ({said})")
    return _told(run, manifest)


def _told(run: RunFolder, manifest: Manifest) -> Manifest:
    """The manifest with pairs by split and source and rejects by reason, once `prompts` is made too."""
    prompts = make_prompts(run, manifest)
    if not manifest.details:
        rows = run.table(STEP).read_all(["split", "source", "exchanged"]).to_pydict()
        reasons = (_kind(text) for text in run.table(STEP).rejected().column("reason").to_pylist())
        manifest.details = {
            "splits": {name: rows["split"].count(name) for name in SPLITS},
            "sources": dict(Counter(rows["source"]).most_common()),
            "exchanged": sum(rows["exchanged"]),
            "reasons": dict(Counter(reasons).most_common()),
            "prompts": prompts.rows_out,
        }
        run.table(STEP).write_manifest(manifest)
    said = ", ".join(f"{name} {count:,}" for name, count in manifest.details["splits"].items())
    print(f"{STEP}: {manifest.rows_out:,} pairs ({said}), {manifest.rejected:,} rejected", flush=True)
    return manifest


def _kind(reason: str) -> str:
    return reason.partition(":")[0]


def make_prompts(run: RunFolder, preferences: Manifest) -> Manifest:
    """The table `prompts`: part k has the instructions of part k of `preferences` that no earlier part has.

    Memory: 100 bytes an instruction.
    """
    folder, pairs = run.table("prompts"), run.table(STEP)
    fingerprint = Fingerprint({}, {STEP: preferences.fingerprint.digest})
    manifest = folder.begin(fingerprint, STEP)
    if manifest.finished:
        return manifest
    seen: set[str] = set()
    with timed(folder, manifest):
        for part in pairs.parts():
            rows = list(_new_prompts(from_table(Preference, pairs.read(part)), seen))
            folder.write(part, to_table(Prompt, rows), [], len(rows))
    return folder.finish(manifest)


def _new_prompts(pairs: Iterable[Preference], seen: set[str]) -> Iterator[Prompt]:
    for pair in pairs:
        if pair.instruction_id not in seen:
            seen.add(pair.instruction_id)
            yield Prompt(pair.instruction_id, pair.instruction, pair.messages, pair.source, pair.row, pair.split, pair.metadata)
