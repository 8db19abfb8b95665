"""Which examples each worker computes in which step, and the tensors made of them.

The order depends on the seed alone: neither the number of workers nor the micro-batches change what a step learns from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from selfj.records import stable_seed
from selfj.training.examples import Example

if TYPE_CHECKING:
    import torch

NO_TARGET = -100
"""Marks a position of `Batch.targets` that predicts nothing."""

LENGTH_STEP = 8
"""Rows are padded to a multiple of it: libraries keep a kernel and buffers for every shape, and slow down with hundreds."""


@dataclass(frozen=True)
class BatchPlan:
    """Deals examples to steps, workers and micro-batches.

    One endless stream of shuffled epochs is cut into batches of exactly `batch_size`. A batch is sorted by length and cut
    into groups that fit the token budget; of each group every worker takes each `workers`-th example. So all workers have
    equally many micro-batches of similar lengths.
    """

    lengths: NDArray[np.int64]
    """Tokens of each example's longest row."""
    rows: int
    """Rows of an example."""
    batch_size: int
    """Examples of a step over all workers; a multiple of `workers`."""
    workers: int
    tokens: int
    """Padded tokens of a micro-batch; a single longer example still makes one."""
    seed: int
    first: int = 0
    """Step at which the stream begins."""
    kinds: NDArray[np.int64] | None = None
    """Kind of each example, from 0, where batches hold a fixed number of each."""
    quotas: tuple[int, ...] = ()
    """That number for each kind, `batch_size` together; each kind is then an endless stream of its own."""

    def batch(self, step: int) -> NDArray[np.int64]:
        """The examples of a step, in the order of the stream (of one kind after another): (batch_size,)."""
        if self.kinds is None:
            return self._piece(np.arange(len(self.lengths)), self.batch_size, step)
        streams = [(np.flatnonzero(self.kinds == kind), quota) for kind, quota in enumerate(self.quotas) if quota]
        return np.concatenate([self._piece(places, quota, step) for places, quota in streams])

    def steps(self, epochs: float) -> int:
        """Optimizer steps of `epochs` passes over the examples, at least one; of several kinds, over the first with a quota."""
        if self.kinds is None:
            return steps_of(len(self.lengths), self.batch_size, epochs)
        kind, quota = next((kind, quota) for kind, quota in enumerate(self.quotas) if quota)
        return steps_of(int((self.kinds == kind).sum()), quota, epochs)

    def _piece(self, examples: NDArray[np.int64], size: int, step: int) -> NDArray[np.int64]:
        """The next `size` of a stream of `examples`."""
        count = len(examples)
        places = np.arange(size) + (step - self.first) * size
        orders = {epoch: self._order(epoch, count) for epoch in np.unique(places // count).tolist()}
        return examples[[orders[place // count][place % count] for place in places.tolist()]]

    def micro_batches(self, step: int, worker: int) -> list[NDArray[np.int64]]:
        """The examples of one worker in a step, cut into micro-batches; equally many for each worker."""
        return [group[worker :: self.workers] for group in self.groups(self.batch(step))]

    def groups(self, batch: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Examples of all workers that are computed at the same time, the longest first."""
        ordered = batch[np.argsort(-self.lengths[batch], kind="stable")]
        groups, start = [], 0
        while start < len(ordered):
            padded = rounded_up(int(self.lengths[ordered[start]])) * self.rows
            taken = max(1, self.tokens // padded) * self.workers
            groups.append(ordered[start : start + taken])
            start += taken
        return groups

    def _order(self, epoch: int, count: int) -> NDArray[np.int64]:
        return np.random.default_rng(stable_seed(self.seed, "order", epoch)).permutation(count)


def steps_of(examples: int, batch_size: int, epochs: float) -> int:
    """Optimizer steps of `epochs` passes over the examples, at least one."""
    return max(1, round(examples * epochs / batch_size))


def validation_groups(lengths: NDArray[np.int64], rows: int, workers: int, tokens: int) -> list[NDArray[np.int64]]:
    """Places of validation examples in groups that all workers share like micro-batches.

    The last `len(lengths) % workers` examples are left out, so that every worker has a share of every group.
    """
    even = len(lengths) - len(lengths) % workers
    if not even:
        return []
    plan = BatchPlan(lengths[:even], rows, even, workers, tokens, seed=0)
    return plan.groups(np.arange(even))


@dataclass(frozen=True)
class Batch:
    """A micro-batch as tensors. Rows are padded on the left, so that the targets stand at the same end in each."""

    input_ids: "torch.Tensor"
    """(examples * rows, length) int64."""
    attention_mask: "torch.Tensor"
    """(examples * rows, length) int64: 0 where there is padding."""
    position_ids: "torch.Tensor"
    """(examples * rows, length) int64: from 0 at each row's first token."""
    targets: "torch.Tensor"
    """(examples, rows, kept) int64: what the last `kept` positions predict; NO_TARGET before a shorter target."""
    numbers: "torch.Tensor"
    """(examples, numbers) float64."""

    @property
    def examples(self) -> int:
        """Examples in the batch."""
        return int(self.targets.shape[0])

    @property
    def kept(self) -> int:
        """Positions at the end of each row whose logits are needed."""
        return int(self.targets.shape[2])

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return int(self.attention_mask.sum())


def rounded_up(length: int) -> int:
    """Padded length of a row of `length` tokens: a multiple of LENGTH_STEP."""
    return -(-length // LENGTH_STEP) * LENGTH_STEP


def collate(examples: Sequence[Example], pad: int, device: "str | torch.device" = "cpu") -> Batch:
    """Tensors of some examples that all have the same number of rows."""
    import torch

    prompts = [prompt for example in examples for prompt in example.prompts]
    targets = [target for example in examples for target in example.targets]
    inputs = [np.concatenate([prompt, target[:-1]]) for prompt, target in zip(prompts, targets, strict=True)]
    length = rounded_up(max(map(len, inputs)))
    ids = _pad_left(inputs, pad, length)
    mask = _pad_left([np.ones(len(row)) for row in inputs], 0, length)
    kept = _pad_left(targets, NO_TARGET, max(map(len, targets)))

    def tensor(values: NDArray[np.int64]) -> "torch.Tensor":
        return torch.from_numpy(values).to(device)

    return Batch(
        input_ids=tensor(ids),
        attention_mask=tensor(mask),
        position_ids=tensor(np.maximum(mask.cumsum(axis=1) - 1, 0)),
        targets=tensor(kept.reshape(len(examples), -1, kept.shape[1])),
        numbers=torch.tensor([list(example.numbers) for example in examples], dtype=torch.float64, device=device),
    )


def _pad_left(rows: Sequence[Sequence[float] | NDArray[Any]], pad: int, length: int) -> NDArray[np.int64]:
    padded = np.full((len(rows), length), pad, dtype=np.int64)
    for place, row in enumerate(rows):
        padded[place, length - len(row) :] = row
    return padded
