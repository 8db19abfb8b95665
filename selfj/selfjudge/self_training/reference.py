"""Log-probabilities of whole answers under the policy, or under the start: the same weights with the adapter switched off."""

import contextlib
import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfj.selfjudge.losses import sequences
from selfj.training.batches import NO_TARGET, collate, validation_groups
from selfj.training.examples import Example
from selfj.training.loop import Loop, over_workers

_PAD = 0
"""Any token will do: the attention mask hides it."""


def with_reference(loop: Loop, examples: Sequence[Example]) -> list[Example]:
    """The examples with their rows' log-probabilities under the start as their numbers."""
    found = answer_logprobs(loop, examples, adapted=False)
    return [dataclasses.replace(example, numbers=row) for example, row in zip(examples, found.tolist(), strict=True)]


def answer_logprobs(loop: Loop, examples: Sequence[Example], *, adapted: bool) -> NDArray[np.float64]:
    """Summed natural-log probability of each row's targets, without dropout: (examples, rows), the same in all workers.

    Every worker computes its share; `adapted` says whether of the policy or of the start.
    """
    import torch

    if not examples:
        return np.zeros((0, 0))
    filled = _filled(examples, loop.world)
    found = np.zeros((len(filled), filled[0].rows))
    loop.trainee.train(False)
    off = contextlib.nullcontext() if adapted else loop.trainee.without_adapters()
    with torch.no_grad(), off:
        for places in _shares(loop, filled):
            found[places] = _logprobs(loop, [filled[place] for place in places])
    return over_workers(found)[: len(examples)]


def _logprobs(loop: Loop, examples: Sequence[Example]) -> NDArray[np.float64]:
    batch = collate(examples, _PAD, loop.device)
    found: NDArray[np.float64] = sequences(loop.trainee.logits(batch), batch.targets, NO_TARGET).logprobs.double().cpu().numpy()
    return found


def _filled(examples: Sequence[Example], workers: int) -> list[Example]:
    """The examples, and the first of them once more, so that every worker has equally many."""
    return [examples[place % len(examples)] for place in range(len(examples) + -len(examples) % workers)]


def _shares(loop: Loop, examples: Sequence[Example]) -> list[NDArray[np.int64]]:
    """Places of this worker's examples in micro-batches, equally many for all workers."""
    lengths = np.array([example.length for example in examples])
    groups = validation_groups(lengths, examples[0].rows, loop.world, loop.job.settings.tokens_per_micro_batch)
    return [group[loop.rank :: loop.world] for group in groups]
