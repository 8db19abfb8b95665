"""A run folder: `runs/NAME/TABLE/` for each table (selfj/tables.py), the judge, the report, and the variants."""

import json
import re
from collections.abc import Sequence

from selfj.errors import RunFolderError
from selfj.store import Store
from selfj.tables import Manifest, TableFolder

TABLES_OF_STEP = {
    "collect": ["collected", "instructions"],
    "sample": ["responses"],
    "score": ["self_evaluations", "similarities", "scored"],
    "train": ["training", "judge"],
    "evaluate": ["judged", "judged_by_policy"],
    "report": ["report"],
}
"""What each step makes in every run folder."""
_OPTIONAL_TABLES = re.compile(r"candidates|resample_similarities|judged_candidates|judged_by_(?!policy$).+")
"""What the evaluate step makes if its settings ask for it."""
BETWEEN = ("unique", "bands", "near_pairs", "near_verified", "near_duplicates")
"""What the collect step makes between its two tables if its settings ask for near duplicates."""
BESIDE = ("category_examples", "centroids", "embeddings", "categories", "cluster_centres", "clusters", "card")
"""What it makes beside them if its settings ask for a classifier or for clusters, and the data card of `selfj collect`."""
VARIANTS = "variants"
"""Folder of a run's variants (selfj/variants.py)."""
_VARIANT = "_variant.json"


def variant_table(variant: str, table: str) -> str:
    """A variant's own table, as a table of its run."""
    return f"{VARIANTS}/{variant}/{table}"


class RunFolder:
    """One run: its tables, its judge, its report. Or a variant of one, which reads tables it does not own from it."""

    def __init__(self, address: str) -> None:
        self.store = Store(address)
        self.address = self.store.address
        self.own = _own_tables(self.store)
        """Tables of a variant's own; None in a run that is no variant."""

    def table(self, name: str) -> TableFolder:
        """One of its tables; in a variant, the run's if it is not the variant's own."""
        if not self.owns(name):
            return self.run.table(name)
        return TableFolder(self.store, name, "" if self.own is None else VARIANTS)

    def owns(self, table: str) -> bool:
        """Whether it makes a table itself: always, unless it is a variant that reads it from its run."""
        return self.own is None or table in self.own

    @property
    def run(self) -> "RunFolder":
        """The run that it is a variant of; itself if it is none."""
        return self if self.own is None else RunFolder(self.address.rsplit(f"/{VARIANTS}/", 1)[0])

    def begin_variant(self, name: str, own: Sequence[str]) -> "RunFolder":
        """The folder of one of its variants, which makes the tables in `own` itself."""
        folder = self.path(f"{VARIANTS}/{name}")
        Store(folder).write(_VARIANT, json.dumps({"own": list(own)}).encode())
        return RunFolder(folder)

    def variants(self) -> "dict[str, RunFolder]":
        """The variants that have been begun, by name."""
        found = {name: RunFolder(self.path(f"{VARIANTS}/{name}")) for name in self.store.names(VARIANTS)}
        return {name: variant for name, variant in found.items() if variant.own is not None}

    def tables_of(self, step: str) -> list[str]:
        """Tables that a step makes in this run: those of every run, and what its settings added, as far as it has been begun."""
        if step == "collect":
            return TABLES_OF_STEP[step] + [name for name in self.store.names("") if name in BETWEEN + BESIDE]
        if step != "evaluate":
            return list(TABLES_OF_STEP[step])
        return TABLES_OF_STEP[step] + [name for name in self.store.names("") if _OPTIONAL_TABLES.fullmatch(name)]

    def path(self, name: str) -> str:
        """Address of something in the run folder."""
        return f"{self.address}/{name}"

    def check_writable(self) -> None:
        """Raise RunFolderError at once, rather than after an hour, if the folder cannot be written."""
        self.store.write("_writable", b"")
        self.store.remove("_writable")

    def restart_from(self, step: str) -> None:
        """Throw away what `step` and all later steps made, also in variants; `variants` means these, and the report."""
        if step == VARIANTS:
            self.store.remove(VARIANTS)
            step = "report"
        steps = list(TABLES_OF_STEP)
        for later in steps[steps.index(step) :]:
            for name in self.tables_of(later):
                self.store.remove(name)
        for variant in self.variants().values():
            variant.restart_from(step)

    def upstream(self, table: str, step: str) -> Manifest:
        """Manifest of a finished table that `step` reads from.

        Raises RunFolderError if it is not finished.
        """
        manifest = self.table(table).manifest()
        if manifest is None or not manifest.finished:
            raise RunFolderError(f"{self.address}/{table} is not finished; run the steps before {step} first")
        return manifest


def _own_tables(store: Store) -> frozenset[str] | None:
    if f"/{VARIANTS}/" not in store.address or not store.exists(_VARIANT):
        return None
    return frozenset(json.loads(store.read(_VARIANT))["own"])
