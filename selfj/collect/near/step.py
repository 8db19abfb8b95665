"""From `unique` to `near_duplicates`, table by table."""

import functools
from collections.abc import Callable

from selfj.collect.collected import STEP
from selfj.collect.near.clusters import ClusterMaker
from selfj.collect.near.pairs import PairMaker, pair_parts
from selfj.collect.near.signatures import BandMaker
from selfj.collect.near.verify import VerifyMaker, verify_parts
from selfj.collect_settings import NearDuplicateSettings
from selfj.config import as_dict
from selfj.parts import PartMaker, Pool, Table, make_table
from selfj.run import RunFolder
from selfj.tables import Fingerprint, Manifest


def find_near_duplicates(
    run: RunFolder, settings: NearDuplicateSettings, unique: Manifest, labels: list[str], workers: int
) -> Manifest:
    """Make the table `near_duplicates` from the finished table `unique`.

    `labels` are what the tables call the sources, the preferred ones first.
    """
    chain = _Chain(run, settings, unique, workers)
    parts = list(range(unique.parts))
    bands = chain.make("bands", parts, functools.partial(BandMaker, settings))
    count = pair_parts(bands.rows_out)
    pairs = chain.make("near_pairs", list(range(count)), functools.partial(PairMaker, count))
    count = verify_parts(pairs.rows_out)
    rows = max(1, unique.rows_out // max(1, unique.parts))
    chain.make("near_verified", list(range(count)), functools.partial(VerifyMaker, settings, count, unique.parts, rows))
    return chain.make("near_duplicates", [0], functools.partial(ClusterMaker, settings.keep, labels))


class _Chain:
    """Tables of which each is made from the one before."""

    def __init__(self, run: RunFolder, settings: NearDuplicateSettings, before: Manifest, workers: int) -> None:
        self.run, self.settings, self.before, self.workers = run, settings, before, workers

    def make(self, name: str, parts: list[int], maker: Callable[[], PartMaker]) -> Manifest:
        """The next table; a finished one is left alone."""
        inputs = {self.before.table: self.before.fingerprint.digest}
        table = Table(name, STEP, Fingerprint(as_dict(self.settings, resources=False), inputs), parts)
        self.before = make_table(self.run, table, maker, Pool(self.workers, tasks=True))
        return self.before
