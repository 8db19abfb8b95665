"""Step 1, collect: sources → `collected` (one part a shard) → `instructions` (each once, parts of about equal size).

Where near duplicates are looked for, rows are classified or the sample is balanced, `unique` and the tables of `near/`,
`categories/` and `embedded/` stand between the two.
"""

import dataclasses
import functools
from dataclasses import dataclass

import pyarrow as pa

from selfj.collect.balance import Balance, plan_balance
from selfj.collect.collected import STEP, CollectedMaker
from selfj.collect.contamination import content_of
from selfj.collect.embedded.rows import Remaining
from selfj.collect.marks import Marks, find_marks
from selfj.collect.near import find_near_duplicates
from selfj.collect.sources import Plan, Shard, check_names, name_of, plan_source
from selfj.collect.summary import Summary, summarise
from selfj.collect.unique import Ranges, UniqueMaker, balanced_ranges, plan_ranges
from selfj.collect_settings import CollectSettings
from selfj.config import Settings, as_dict
from selfj.errors import DataError, RunFolderError, SelfJError
from selfj.parts import Pool, Table, make_table
from selfj.run import BESIDE, BETWEEN, RunFolder
from selfj.tables import Fingerprint, Manifest

UNIQUE_ROWS = 32_000
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
    twice = chosen.near_duplicates.enabled or chosen.balance.enabled or chosen.classifier.enabled
    before = _make_unique(run, chosen, collected) if twice else collected
    sources = {shard.label: name_of(chosen.sources[shard.source]) for plan in plans for shard in plan.shards}
    instructions = _make_instructions(run, settings, before, sources)
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
    between = [manifest for name in BETWEEN + BESIDE if (manifest := run.table(name).manifest())]
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

    task = ray.remote(plan_source)
    try:
        tasks = [task.remote(number, settings, strict=settings.strict) for number in range(len(settings.sources))]
        plans = [ray.get(planned) for planned in tasks]  # one by one: of several errors, the first source's is raised
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
    return make_table(run, table, functools.partial(CollectedMaker, settings, shards), Pool(settings.workers, tasks=True))


def _make_unique(run: RunFolder, settings: CollectSettings, collected: Manifest) -> Manifest:
    """Each instruction once, before near duplicates are looked for."""
    ranges = plan_ranges(run.table("collected"), collected.rows_out, None, UNIQUE_ROWS)
    fingerprint = Fingerprint({}, {"collected": collected.fingerprint.digest})
    table = Table("unique", STEP, fingerprint, list(range(ranges.parts)), collected.rows_out)
    return make_table(run, table, functools.partial(UniqueMaker, ranges), Pool(settings.workers, tasks=True))


def _make_instructions(run: RunFolder, settings: Settings, before: Manifest, sources: dict[str, str]) -> Manifest:
    """The last table, from `collected`, or from `unique` without near duplicates, classified and balanced.

    `sources` are the labels of the sources, each with its source's name, in the order of the settings.
    """
    chosen, inputs, dropped = settings.collect, {before.table: before.fingerprint.digest}, ""
    if chosen.near_duplicates.enabled:
        near = find_near_duplicates(run, chosen.near_duplicates, before, list(sources), chosen.workers)
        inputs[near.table], dropped = near.fingerprint.digest, near.table
    ranges = _ranges(run, chosen, before, dropped)
    marks, made_by = find_marks(run, settings, before, Remaining(dropped, ranges.kept(ranges.parts)))
    balance = _balance(run, chosen, dropped, sources, marks)
    fingerprint = Fingerprint(as_dict(chosen, resources=False), inputs | made_by)
    table = Table("instructions", STEP, fingerprint, list(range(ranges.parts)), before.rows_out)
    maker = functools.partial(UniqueMaker, ranges, before.table, dropped, balance, marks)
    return make_table(run, table, maker, Pool(chosen.workers, together=_together(ranges, chosen.workers), tasks=True))


def _together(ranges: Ranges, workers: int) -> int:
    """Neighbouring parts that a worker takes: what it reads for them, but at least two turns for each worker."""
    return max(1, min(ranges.together, ranges.parts // (2 * workers)))


def _ranges(run: RunFolder, settings: CollectSettings, before: Manifest, dropped: str) -> Ranges:
    """Which rows of the table before may be kept: a uniform sample of `max_instructions`, or all that a balance may take."""
    rows, limit, size = before.rows_out, settings.max_instructions, settings.rows_per_part
    if settings.balance.enabled:
        return balanced_ranges(rows, limit, size)
    return plan_ranges(run.table(before.table), rows, limit, size, run.table(dropped) if dropped else None)


def _balance(run: RunFolder, settings: CollectSettings, dropped: str, sources: dict[str, str], marks: Marks) -> Balance | None:
    """Which rows of `unique` a balanced sample takes."""
    if not settings.balance.enabled:
        return None
    gone = run.table(dropped).read_all(["instruction_id"]).column(0).combine_chunks() if dropped else pa.array([], pa.string())
    marked = functools.partial(dataclasses.replace(marks, tables={}).applied, run)  # what it reads here goes to no worker
    return plan_balance(run.table("unique"), settings.balance, settings.max_instructions, sources, gone, marked)


def _nothing_left(summary: Summary) -> DataError:
    reasons = ", ".join(f"{name} {count:,}" for name, count in summary.reasons.most_common()) or "the sources are empty"
    return DataError(
        f"collect: no instruction is left of {summary.rejected:,} rows ({reasons}); "
        "see collected/rejected in the run folder, and check `fields` and the limits in collect"
    )
