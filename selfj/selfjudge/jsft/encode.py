"""Pairs → training examples: which pairs are used, and as which rows of the table `jsft_examples`."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfj.errors import DataError
from selfj.parts import MadePart
from selfj.records import Rejected, from_table, rejected, stable_seed
from selfj.run import RunFolder
from selfj.selfjudge.jsft.examples import JUDGE, SFT, PairExamples, Wording
from selfj.selfjudge.preferences.table import Preference
from selfj.selfjudge.settings import JsftSettings
from selfj.training.examples import TRAIN, VALIDATION, Example, to_example_table

ROLES = {"train": TRAIN, "held_out": VALIDATION}
"""What the pairs of a split are used for; those of the other splits are not touched."""

EXAMPLES = "jsft_examples"


@dataclass(frozen=True)
class PairChoice:
    """Which pairs are used: the lowest hashes, so that a smaller run uses a subset of a bigger one."""

    limits: dict[str, int]
    """Highest hash used, by split."""
    chosen: dict[str, int]
    """Pairs used, by split."""
    considered: int
    """Pairs of the split `train`."""

    def takes(self, pair: Preference) -> bool:
        """Whether a pair is used."""
        return _place(pair.pair_id) <= self.limits.get(pair.split, -1)


def choose_pairs(run: RunFolder, settings: JsftSettings) -> PairChoice:
    """Read splits and ids of all pairs once, and find the limits.

    Memory: 8 bytes a pair. Raises DataError if the split `train` has none.
    """
    parts: dict[str, list[NDArray[np.uint64]]] = {split: [np.zeros(0, np.uint64)] for split in ROLES}
    for part in run.table("preferences").parts():
        rows = run.table("preferences").read(part, ["pair_id", "split"]).to_pydict()
        for split, hashes in parts.items():
            places = [_place(key) for key, of in zip(rows["pair_id"], rows["split"], strict=True) if of == split]
            hashes.append(np.array(places, dtype=np.uint64))
    found = {split: np.concatenate(hashes) for split, hashes in parts.items()}
    available = {split: len(hashes) for split, hashes in found.items()}
    if not available["train"]:
        raise DataError(f"{run.address}/preferences: no pair is of the split train; lower the fractions of the other splits")
    most = available["train"] if settings.max_examples is None else settings.max_examples
    wanted = {"train": most, "held_out": settings.validation_examples}
    chosen = {split: min(available[split], wanted[split]) for split in ROLES}
    return PairChoice({split: _limit(found[split], chosen[split]) for split in ROLES}, chosen, available["train"])


def _place(key: str) -> int:
    return stable_seed("jsft pair", key)


def _limit(places: NDArray[np.uint64], chosen: int) -> int:
    return int(np.partition(places, chosen - 1)[chosen - 1]) if chosen else -1


class JsftMaker:
    """Encodes one part of the chosen pairs."""

    def __init__(self, wording: Wording, choice: PairChoice) -> None:
        self.choice = choice
        self.examples = PairExamples(wording)

    def make(self, run: RunFolder, part: int) -> MadePart:
        """Examples of part `part`; one whose prompt cannot be made to fit is rejected."""
        made: list[Example] = []
        rejects: list[Rejected] = []
        for pair in from_table(Preference, run.table("preferences").read(part)):
            if not self.choice.takes(pair):
                continue
            for found in self.examples.of(pair, ROLES[pair.split]):
                if isinstance(found, Example):
                    made.append(found)
                else:
                    rejects.append(_reject(pair, found))
        return MadePart(to_example_table(made), rejects, len(made) + len(rejects))


def _reject(pair: Preference, reason: str) -> Rejected:
    return rejected("jsft", pair.source, reason, row=pair.row, field="instruction", key=pair.pair_id)


@dataclass(frozen=True)
class ExampleCounts:
    """What the table `jsft_examples` holds to learn from."""

    kinds: tuple[int, int]
    """Examples to answer and to judge."""
    rationales: int
    """Judge examples with a rationale."""
    pairs: int
    """Pairs that gave at least one."""


def count_examples(run: RunFolder) -> ExampleCounts:
    """Count the finished table. Memory: 8 bytes an example."""
    kinds: list[NDArray[np.int64]] = []
    pairs: set[float] = set()
    rationales = 0
    for part in run.table(EXAMPLES).parts():
        rows = run.table(EXAMPLES).read(part, ["role", "numbers", "targets"]).to_pydict()
        found = [(numbers, targets) for role, numbers, targets in zip(*rows.values(), strict=True) if role == TRAIN]
        kinds.append(np.array([int(numbers[0]) for numbers, _ in found], dtype=np.int64))
        pairs.update(numbers[1] for numbers, _ in found)
        rationales += sum(numbers[0] == JUDGE and len(targets[0]) > 1 for numbers, targets in found)
    counts = np.bincount(np.concatenate([np.zeros(0, np.int64), *kinds]), minlength=2)
    return ExampleCounts((int(counts[SFT]), int(counts[JUDGE])), rationales, len(pairs))


def quotas_of(counts: ExampleCounts, settings: JsftSettings, address: str) -> tuple[int, int]:
    """Examples of each kind in a batch.

    Raises DataError if there are none of a kind that batches should hold.
    """
    size = settings.batch_size
    share = counts.kinds[JUDGE] / max(1, sum(counts.kinds)) if settings.judge_share is None else settings.judge_share
    judged = 0 if share == 0 else size if share == 1 else min(max(1, round(share * size)), size - 1)
    quotas = (size - judged, judged)
    for kind, name in ((SFT, "answers to learn"), (JUDGE, "verdicts to learn (is any pair rated under these principles?)")):
        if quotas[kind] and not counts.kinds[kind]:
            raise DataError(f"{address}/{EXAMPLES}: no {name}; its rejected rows say what was left out")
    return quotas
