"""What tables beside `unique` say of its rows: the category that a classifier found, the cluster in embedding space."""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from selfj.collect.categories import find_categories
from selfj.collect.categories.records import CATEGORIES
from selfj.collect.embedded import find_clusters
from selfj.collect.embedded.clusters import CLUSTERS
from selfj.collect.embedded.rows import Remaining, ids_between
from selfj.collect.sorted_parts import SortedParts
from selfj.config import Settings
from selfj.run import RunFolder
from selfj.tables import Manifest

CLUSTER = "cluster"


@dataclass
class Marks:
    """Names of the tables; an empty one is not asked."""

    unknown: str
    """Category of rows that the classifier leaves open."""
    categories: str = ""
    clusters: str = ""
    tables: dict[str, SortedParts] = field(default_factory=dict)
    """Those that this worker has read from."""

    def applied(self, run: RunFolder, rows: pa.Table) -> pa.Table:
        """Rows (sorted by instruction_id, no near duplicates) with their categories, and with a column `cluster` if there is one.

        Raises AssertionError if a row is in none of the tables that should have it.
        """
        if self.categories:
            place = rows.schema.get_field_index("category")
            rows = rows.set_column(place, rows.schema.field(place), self._categories(run, rows))
        if self.clusters:
            _, clusters = self._found(run, self.clusters, rows, CLUSTER, pa.int64())
            rows = rows.append_column(CLUSTER, _whole(clusters, self.clusters))
        return rows

    def _categories(self, run: RunFolder, rows: pa.Table) -> pa.ChunkedArray:
        own = rows.column("category")
        asked, found = self._found(run, self.categories, rows, "category", pa.string())
        given = pc.if_else(asked, pc.fill_null(found, self.unknown), own)
        return _whole(pc.if_else(pc.equal(given, ""), pa.scalar(None, pa.string()), given), self.categories)

    def _found(
        self, run: RunFolder, name: str, rows: pa.Table, column: str, kind: pa.DataType
    ) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
        """Whether each row is in a table, and what stands there in a column."""
        ids = rows.column("instruction_id")
        if not rows.num_rows:
            return pa.chunked_array([pa.array([], pa.bool_())]), pa.chunked_array([pa.array([], kind)])
        if name not in self.tables:
            self.tables[name] = SortedParts(run.table(name))
        found = ids_between(self.tables[name], ids, ["instruction_id", column])
        places = pc.index_in(ids, value_set=found.column(0).combine_chunks())
        return pc.is_valid(places), found.column(1).take(places)


def find_marks(run: RunFolder, settings: Settings, unique: Manifest, remaining: Remaining) -> tuple[Marks, dict[str, str]]:
    """Make the tables that the settings ask for, and what stands in a fingerprint for them."""
    chosen, made = settings.collect, dict[str, Manifest]()
    if chosen.classifier.enabled:
        made[CATEGORIES] = find_categories(run, settings, unique, remaining)
    if chosen.balance.clusters:
        made[CLUSTERS] = find_clusters(run, settings, unique, remaining)
    marks = Marks(
        chosen.classifier.unknown,
        categories=CATEGORIES if CATEGORIES in made else "",
        clusters=CLUSTERS if CLUSTERS in made else "",
    )
    return marks, {name: manifest.fingerprint.digest for name, manifest in made.items()}


def _whole(column: pa.ChunkedArray, table: str) -> pa.ChunkedArray:
    if column.null_count:
        raise AssertionError(f"{column.null_count} rows of `unique` are not in `{table}`")
    return column
