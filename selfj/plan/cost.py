"""What a plan occupies and costs: hours of nodes that come and go with the steps or all stay, and the room that files take."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from selfj.plan import rates
from selfj.plan.basis import Count, Stage, added, times
from selfj.plan.rates import Cluster


@dataclass(frozen=True)
class Prices:
    """What one node costs in an hour, in any currency; None where nobody said."""

    node: float | None = None
    spot: float | None = None
    """As a spot machine, which may be taken away."""

    @property
    def known(self) -> bool:
        """Whether anything can be priced."""
        return self.node is not None or self.spot is not None


@dataclass(frozen=True)
class NodeHours:
    """Hours of nodes that the steps of a run work on."""

    scaled: Count
    """Nodes come when a step needs them and go when the next needs fewer, with their start and their idle time."""
    kept: Count
    """All nodes are started at first and stay to the end of the last step."""


@dataclass(frozen=True)
class Storage:
    """Room that a run takes, in gigabytes."""

    run: Count
    """In the run folder, which all nodes share."""
    weights: Count
    """Models that are read, on every node that runs an engine or a training."""


def node_hours(stages: Sequence[Stage], cluster: Cluster, seconds: Count) -> NodeHours:
    """Hours of nodes, if they come and go and if all stay; `seconds` is the time of the whole run."""
    used = [(stage.workers.nodes(cluster), stage.seconds) for stage in stages]
    scaled = added(*(_occupied(used, number) for number in range(1, cluster.nodes + 1)))
    kept = times(added(rates.NODE_START_SECONDS, seconds), cluster.nodes)
    return NodeHours(times(scaled, 1 / 3600), times(kept, 1 / 3600))


def _occupied(used: Sequence[tuple[int, Count]], number: int) -> Count:
    """Seconds of the n-th node, for steps that use n or more; it stays through pauses shorter than its idle time."""
    total: Count = 0
    pause: Count = math.inf
    for nodes, seconds in used:
        if nodes < number:
            pause = added(pause, seconds)
        elif pause is None or seconds is None:
            return None
        else:
            before = pause if pause < rates.NODE_IDLE_SECONDS else rates.NODE_START_SECONDS + rates.NODE_IDLE_SECONDS
            total, pause = added(total, before, seconds), 0
    return total


def price(hours: Count, prices: Prices) -> tuple[Count, Count]:
    """What these node hours cost as ordinary machines and as spot machines, whose lost work is made again."""
    return times(hours, prices.node), times(hours, 1 + rates.SPOT_LOSS, prices.spot)
