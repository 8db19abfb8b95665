"""When a run is no longer worth going on with."""

from collections.abc import Sequence

from selfj.errors import SelfJError
from selfj.selfjudge.self_training.settings import StopSettings


class Diverged(SelfJError):
    """The policy has gone astray; its last good adapter is kept."""


def check_divergence(kl: float | None, stop: StopSettings) -> None:
    """Raise Diverged if the policy is too far from the start: `kl` in nats per answer, None if it was not measured."""
    if kl is not None and kl > stop.max_kl:
        raise Diverged(
            f"its KL divergence from the start is {kl:.1f} nats per answer, more than stop.max_kl {stop.max_kl:g}; "
            "lower learning_rate, raise beta, or make fewer rounds"
        )


def check_lengths(tokens: float, start: float, stop: StopSettings) -> None:
    """Raise Diverged if answers have run away in length: mean tokens of the policy's and of the start's."""
    if tokens > stop.max_growth * start:
        raise Diverged(
            f"its answers have {tokens:.0f} tokens on average and the start's had {start:.0f}: the judge has come to prefer long "
            f"ones (stop.max_growth {stop.max_growth:g}); lower learning_rate, or set answer_tokens"
        )


def check_verdicts(usable: Sequence[int], stop: StopSettings) -> None:
    """Raise Diverged if the last rounds gave nothing to learn from: `usable` pairs of each round so far."""
    last = usable[-stop.tied_rounds :]
    if len(last) == stop.tied_rounds and not any(last):
        raise Diverged(
            f"no pair of the last {stop.tied_rounds} rounds had a usable verdict: the answers to a prompt are the same, or "
            "the judge cannot tell them apart; raise temperature, or lower min_margin"
        )
