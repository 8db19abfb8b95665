"""Step 1, collect: sources → `collected` (one part a shard) → `instructions` (each once, parts of about equal size).

Where near duplicates are looked for, `unique` and the tables of `near/` stand between the two.
"""

import functools
from dataclasses import dataclass

from selfj.collect.collected import STEP, CollectedMaker
from selfj.collect.contamination import content_of
from selfj.collect.near import find_near_duplicates
from selfj.collect.sources import Plan, Shard, check_names, name_of, plan_source
from selfj.collect.summary import Summary, summarise
from selfj.collect.unique import UniqueMaker, plan_ranges
from selfj.config import CollectSettings, Settings, as_dict
from selfj.errors import DataError, RunFolderError, SelfJError
from selfj.parts import Pool, Table, make_table
from selfj.run import BETWEEN, RunFolder
from selfj.tables import Fingerprint, Manifest

UNIQUE_ROWS = 20_000
"""Rows of a part of `unique`."""


@dataclass
class StepCounts:
    """Rows of the step as a whole: both passes together."""

    rows_in: int
    rows_out: int
    rejected: int
    seconds: float


def collect(run: RunFolder, settings: Settings) -> Manifest:
    """Make the table `instructions` (records.Instruction) from all sources.

    The result does not depend on the number of workers. `manifest.details` holds the counts of the whole step.
    A source that cannot be read is told there and left out. Raises DataError if `collect.strict` and there is one, if none can
    be read, or if no instruction is left.
    """
    chosen = settings.collect
    check_names([name_of(source) for source in chosen.sources])
    plans = _plan(chosen)
    problems = {label: problem for plan in plans for label, problem in plan.problems.items()}
    collected = _make_collected(run, chosen, plans)
    if not collected.rows_out:
        raise _nothing_left(summarise(run, chosen.sources, problems))
    before = collected if not chosen.near_duplicates.enabled else _make_unique(run, chosen, collected)
    labels = [shard.label for plan in plans for shard in plan.shards]
    instructions = _make_instructions(run, chosen, before, list(dict.fromkeys(labels)))
    if not instructions.details:
        summary = summarise(run, chosen.sources, problems)
        instructions.details = summary.as_details()
        run.table("instructions").write_manifest(instructions)
        for line in summary.lines():
            print(f"{STEP}: {line}", flush=True)
    return instructions


def step_counts(run: RunFolder) -> StepCounts:
    """Rows read, kept and rejected by the finished step. Raises RunFolderError if it is not finished."""
    collected, instructions = run.upstream("collected", "report"), run.upstream("instructions", "report")
    between = [manifest for name in BETWEEN if (manifest := run.table(name).manifest())]
    counts = StepCounts(
        rows_in=collected.rows_in,
        rows_out=instructions.rows_out,
        rejected=sum(table.rejected for table in (collected, *between, instructions)),
        seconds=sum(table.seconds for table in (collected, *between, instructions)),
    )
    if counts.rows_in != counts.rows_out + counts.rejected:
        raise RunFolderError(f"{run.address}: `collected` and `instructions` do not belong together; use --restart-from collect")
    return counts


def _plan(settings: CollectSettings) -> list[Plan]:
    """Plans of all sources, each in a Ray task: a large text file must be read once to cut it into shards."""
    import ray

    task = ray.remote(functools.partial(plan_source, strict=settings.strict))
    try:
        plans = list(ray.get([task.remote(number, settings) for number in range(len(settings.sources))]))
    except ray.exceptions.RayTaskError as problem:
        if isinstance(problem.cause, SelfJError):
            raise problem.cause from None
        raise
    if not any(plan.shards for plan in plans):
        _raise_first([problem for plan in plans for problem in plan.problems.values()])
    return plans


def _raise_first(problems: list[str]) -> None:
    if problems:
        raise DataError(
            problems[0] if len(problems) == 1 else f"{problems[0]} (and {len(problems) - 1} more sources cannot be read)"
        )


def _make_collected(run: RunFolder, settings: CollectSettings, plans: list[Plan]) -> Manifest:
    shards: list[Shard] = [shard for plan in plans for shard in plan.shards]
    inputs = {label: content for plan in plans for label, content in plan.inputs.items()}
    for item in settings.decontaminate.sets:
        inputs |= content_of(item)
    table = Table("collected", STEP, Fingerprint(as_dict(settings, resources=False), inputs), list(range(len(shards))))
    return make_table(run, table, functools.partial(CollectedMaker, settings, shards), Pool(settings.workers))


def _make_unique(run: RunFolder, settings: CollectSettings, collected: Manifest) -> Manifest:
    """Each instruction once, before near duplicates are looked for."""
    ranges = plan_ranges(run.table("collected"), collected.rows_out, None, UNIQUE_ROWS)
    fingerprint = Fingerprint({}, {"collected": collected.fingerprint.digest})
    table = Table("unique", STEP, fingerprint, list(range(ranges.parts)), collected.rows_out)
    return make_table(run, table, functools.partial(UniqueMaker, ranges), Pool(settings.workers))


def _make_instructions(run: RunFolder, settings: CollectSettings, before: Manifest, labels: list[str]) -> Manifest:
    """The last table, from `collected` or, without the near duplicates, from `unique`."""
    inputs, dropped = {before.table: before.fingerprint.digest}, ""
    if settings.near_duplicates.enabled:
        near = find_near_duplicates(run, settings.near_duplicates, before, labels, settings.workers)
        inputs[near.table], dropped = near.fingerprint.digest, near.table
    rows, limit = before.rows_out, settings.max_instructions
    ranges = plan_ranges(run.table(before.table), rows, limit, settings.rows_per_part, run.table(dropped) if dropped else None)
    table = Table("instructions", STEP, Fingerprint(as_dict(settings, resources=False), inputs), list(range(ranges.parts)), rows)
    return make_table(run, table, functools.partial(UniqueMaker, ranges, before.table, dropped), Pool(settings.workers))


def _nothing_left(summary: Summary) -> DataError:
    reasons = ", ".join(f"{name} {count:,}" for name, count in summary.reasons.most_common()) or "the sources are empty"
    return DataError(
        f"collect: no instruction is left of {summary.rejected:,} rows ({reasons}); "
        "see collected/rejected in the run folder, and check `fields` and the limits in collect"
    )
