"""Collecting in the test's own process, without Ray: the same plans and makers, one part after the other."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from selfj.collect.collected import CollectedMaker
from selfj.collect.near.clusters import ClusterMaker
from selfj.collect.near.pairs import PairMaker
from selfj.collect.near.records import NearDuplicate
from selfj.collect.near.signatures import BandMaker
from selfj.collect.near.verify import VerifyMaker
from selfj.collect.sources import plan_source
from selfj.collect.unique import UniqueMaker, plan_ranges
from selfj.collect_settings import CollectSettings, NearDuplicateSettings, SourceSettings
from selfj.config import Settings
from selfj.records import Instruction, Rejected, from_table
from selfj.run import RunFolder


@dataclasses.dataclass
class Read:
    """What the first pass made of a source."""

    rows: list[Instruction]
    rejects: list[Rejected]
    rows_in: int

    @property
    def in_order(self) -> list[Instruction]:
        return sorted(self.rows, key=lambda item: item.row)

    @property
    def numbers(self) -> list[int]:
        return sorted(row.row for row in self.rows)

    @property
    def reasons(self) -> list[tuple[int | None, str | None, str]]:
        return sorted((reject.row, reject.field, reject.reason) for reject in self.rejects)


def row(i: int, **more: Any) -> dict[str, Any]:
    return {"instruction": f"What is {i} plus one?", "reference": f"It is {i + 1}.", **more}


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [row(i) for i in range(start, start + count)]


def write_jsonl(path: Path, content: Iterable[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in content), encoding="utf-8")
    return path


def generated(seed: int, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """A generator source, the same in whatever ranges it is asked for; every fifth row repeats the one before."""
    for i in range(start, stop):
        number = i - 1 if i % 5 == 4 else i
        yield row(number + 1_000_000 * seed, category="academic", family="sums", metadata={"index": number})


GENERATED = "tests.collect.collecting:generated"


def settings_of(*sources: SourceSettings | str | Path, **settings: Any) -> Settings:
    chosen = [source if isinstance(source, SourceSettings) else SourceSettings(path=str(source)) for source in sources]
    return Settings(collect=CollectSettings(sources=chosen, **settings))


def read(source: SourceSettings | str | Path, **settings: Any) -> Read:
    """The first pass over one source; it checks that the counts reconcile."""
    collect = settings_of(source, **settings).collect
    shards = plan_source(0, collect).shards
    maker = CollectedMaker(collect, shards)
    made = [maker.make(RunFolder("memory://unused"), part) for part in range(len(shards))]
    kept = [row for part in made for row in from_table(Instruction, part.rows)]
    rejects = [reject for part in made for reject in part.rejects]
    rows_in = sum(part.rows_in for part in made)
    assert rows_in == len(kept) + len(rejects)
    return Read(kept, rejects, rows_in)


def collect_here(run: RunFolder, settings: Settings) -> tuple[list[Instruction], list[Rejected]]:
    """Both passes; the instructions and all rejects."""
    chosen = settings.collect
    shards = [shard for number in range(len(chosen.sources)) for shard in plan_source(number, chosen).shards]
    collected, instructions = run.table("collected"), run.table("instructions")
    first = CollectedMaker(chosen, shards)
    counts = [collected.write(part, *_made(first, run, part)) for part in range(len(shards))]
    ranges = plan_ranges(collected, sum(count.rows_out for count in counts), chosen.max_instructions, chosen.rows_per_part)
    second = UniqueMaker(ranges)
    for part in range(ranges.parts):
        instructions.write(part, *_made(second, run, part))
    rejects = [reject for table in (collected, instructions) for reject in from_table(Rejected, table.rejected())]
    return from_table(Instruction, instructions.read_all()), rejects


def near_here(
    run: RunFolder, settings: NearDuplicateSettings, labels: list[str], slices: tuple[int, int] = (1, 1)
) -> list[NearDuplicate]:
    """The tables from `unique` to `near_duplicates`; `slices` are the parts of `near_pairs` and `near_verified`."""
    parts = len(run.table("unique").parts())
    rows_per_part = run.table("unique").counts(0).rows_out
    chain = [
        ("bands", BandMaker(settings), parts),
        ("near_pairs", PairMaker(slices[0]), slices[0]),
        ("near_verified", VerifyMaker(settings, slices[1], parts, rows_per_part), slices[1]),
        ("near_duplicates", ClusterMaker(settings.keep, labels), 1),
    ]
    for name, maker, count in chain:
        for part in range(count):
            run.table(name).write(part, *_made(maker, run, part))
    return from_table(NearDuplicate, run.table("near_duplicates").read_all())


def _made(maker: Any, run: RunFolder, part: int) -> tuple[Any, list[Rejected], int]:
    made = maker.make(run, part)
    return made.rows, made.rejects, made.rows_in
