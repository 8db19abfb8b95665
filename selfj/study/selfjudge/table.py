"""The comparison over all seeds: means with intervals, paired differences, learning curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from selfj.evaluate.metrics.bootstrap import LEVEL
from selfj.evaluate.metrics.weighted import Floats
from selfj.study.resampled import Asked, Kernel, Resampled, SharedDraws, ask, mean, minus
from selfj.study.selfjudge.results import Key, SeedResult, Values
from selfj.study.selfjudge.settings import SFT, START

ORDER = (SFT, START, "offline", "off_policy", "on_policy", "moving_judge")
"""Rows of the paper's comparison; other arms follow."""
EXPECTED = (
    ("on_policy", START), (START, SFT), ("on_policy", "off_policy"), ("off_policy", "offline"), ("on_policy", "moving_judge"),
)  # fmt: skip
"""Who should be better (METHOD.md B, published results)."""
CURVES = ("grade", "start_grade", "win_rate", "grade_win_rate", "kl", "tokens", "repetition")
BY_ORDER = ("accuracy_chosen_first", "accuracy_rejected_first")

Found = Sequence[dict[Key, Resampled]]
"""Statistics of each seed, on shared resamples."""


def selfjudge_metrics(results: Sequence[SeedResult], resamples: int, seed: int = 0) -> dict[str, Any]:
    """All figures of the study, as plain values: what `metrics.json` holds."""
    found = ask_seeds(results, resamples, seed)
    keys = list(dict.fromkeys(key for answers in found for key in answers))
    policies = _in_order(name for kind, name in keys if kind == "grade")
    arms = [name for name in policies if any(name in result.arms for result in results)]
    return {
        "seeds": [result.seed for result in results],
        "interval": {"level": LEVEL, "resamples": resamples},
        "judge": {name: entry(results, found, ("judge", name)) for kind, name in keys if kind == "judge"},
        "judge_in_training": _in_training(results),
        "mean_grade": {name: entry(results, found, ("grade", name)) for name in policies},
        "above_start": {name: difference(results, found, name, START) for name in policies if name != START},
        "differences": [
            {"better": better, "worse": worse, **difference(results, found, better, worse)}
            for better, worse in EXPECTED
            if {better, worse} <= set(policies)
        ],
        "win_rate": {name: entry(results, found, ("win_rate", name)) for name in arms},
        "grade_win_rate": {name: entry(results, found, ("grade_win_rate", name)) for name in arms},
        "arms": {name: _arm(results, name) for name in arms},
        "curves": {name: _curve([result.arms[name] for result in results if name in result.arms]) for name in arms},
        "tournament": _tournament(results, found, keys),
        "runs": [_run(result) for result in results],
    }


def ask_seeds(results: Sequence[SeedResult], resamples: int, seed: int) -> list[dict[Key, Resampled]]:
    """The mean of every column of every run, on resamples of instructions that all of them share."""
    with_rows = [[values for values in result.values.values() if len(values.values)] for result in results]
    ids = [values.instruction_ids.astype(object) for columns in with_rows for values in columns]
    if not ids:
        return [{} for _ in results]
    draws = SharedDraws(ids, resamples, seed)
    return [_ask(result, draws) for result in results]


def _ask(result: SeedResult, draws: SharedDraws) -> dict[Key, Resampled]:
    columns = {key: values for key, values in result.values.items() if len(values.values)}
    if not columns:
        return {}
    numbers = draws.of(np.concatenate([values.instruction_ids.astype(object) for values in columns.values()]))
    asked, first = {}, 0
    for key, values in columns.items():
        rows = np.zeros(len(numbers), dtype=bool)
        rows[first : first + len(values.values)] = True
        asked[key] = Asked(rows, _mean_of(values))
        first += len(values.values)
    return ask(asked, numbers, draws.resamples)


def _mean_of(values: Values) -> Kernel:
    def kernel(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Floats = weights @ values.values / weights.sum(axis=1)
        return means

    return kernel


def entry(results: Sequence[SeedResult], found: Found, key: Key) -> dict[str, Any]:
    """Mean over the seeds with its interval, each seed's value and their standard deviation."""
    return _entry(results, [answers.get(key, Resampled(None, reason="not there")) for answers in found], _rows(results, key))


def difference(results: Sequence[SeedResult], found: Found, better: str, worse: str) -> dict[str, Any]:
    """Mean grade of one policy less another's, seed by seed on the same instructions."""
    none = Resampled(None, reason="not there")
    pairs = [minus(answers.get(("grade", better), none), answers.get(("grade", worse), none)) for answers in found]
    made = _entry(results, pairs, _rows(results, ("grade", better)))
    return {**made, "holds_in": sum(value > 0 for value in made["by_seed"].values())}


def _entry(results: Sequence[SeedResult], values: Sequence[Resampled], rows: int) -> dict[str, Any]:
    by_seed = {str(result.seed): one.value for result, one in zip(results, values, strict=True) if one.value is not None}
    spread = float(np.std(list(by_seed.values()), ddof=1)) if len(by_seed) > 1 else None
    rounded = {seed: round(value, 6) for seed, value in by_seed.items()}
    return {**_bounds(mean(values)), "sd": spread, "by_seed": rounded, "seeds": len(by_seed), "rows": rows}


def _bounds(value: Resampled) -> dict[str, Any]:
    named = value.entry("value")
    return {"value": named["value"], "low": named["value_low"], "high": named["value_high"]}


def _rows(results: Sequence[SeedResult], key: Key) -> int:
    return sum(len(result.values[key].values) for result in results if key in result.values)


def _in_order(names: Any) -> list[str]:
    given = list(dict.fromkeys(names))
    return [name for name in ORDER if name in given] + [name for name in given if name not in ORDER]


def _in_training(results: Sequence[SeedResult]) -> dict[str, Any]:
    """What the cards say of the held-out pairs at the end of JSFT: mean over the seeds, and each one's history."""
    cards = [result.card for result in results if result.card is not None]
    names = list(dict.fromkeys(name for card in cards for name in card.validation))
    means = {name: [card.validation[name] for card in cards if name in card.validation] for name in names}
    return {
        "validation": {name: float(np.mean(values)) for name, values in means.items()},
        "examples": [card.examples for card in cards],
        "pairs": [card.pairs for card in cards],
        "histories": [card.history for card in cards],
        "lm_loss": {START: _losses(results, "card"), SFT: _losses(results, "sft_card")},
    }


def _losses(results: Sequence[SeedResult], which: str) -> dict[str, float]:
    """Loss on held-out chosen answers (nats per token) at the end of training, by seed."""
    cards = {str(result.seed): getattr(result, which) for result in results}
    return {seed: card.validation["lm"] for seed, card in cards.items() if card is not None and "lm" in card.validation}


def _arm(results: Sequence[SeedResult], name: str) -> dict[str, Any]:
    """How an arm was trained and what its last probe says, over the seeds that have it."""
    made = [result.arms[name] for result in results if name in result.arms]
    last = [arm["probes"][-1] for arm in made if arm["probes"]]
    named = ("kl", "tokens", "repetition", "finished")
    means = {key: [probe[key] for probe in last if probe.get(key) is not None] for key in named}
    pairs = [arm["pairs"] for arm in made if arm.get("pairs")]
    flips = [one["flip_rate"] for one in pairs if one.get("flip_rate") is not None]
    agreed = [one["agreement"] for one in pairs if one.get("agreement") is not None]
    return {
        **{key: float(np.mean(values)) if values else None for key, values in means.items()},
        "steps": [arm["steps"] for arm in made],
        "seconds": [arm["seconds"] for arm in made],
        "status": [arm["status"] for arm in made],
        "reasons": [arm["reason"] for arm in made if arm["reason"]],
        "pairs": [one["pairs"] for one in pairs],
        "flip_rate": float(np.mean(flips)) if flips else None,
        "agreement": float(np.mean(agreed)) if agreed else None,
    }


def _curve(arms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Probe by probe: mean over the seeds, lowest and highest seed. Seeds that stopped early end early."""
    points = []
    for place in range(max((len(arm["probes"]) for arm in arms), default=0)):
        probes = [arm["probes"][place] for arm in arms if place < len(arm["probes"])]
        point: dict[str, Any] = {"step": probes[0]["step"], "round": probes[0]["round"], "seeds": len(probes)}
        for name in CURVES:
            values = [probe[name] for probe in probes if probe.get(name) is not None]
            point[name] = [float(np.mean(values)), min(values), max(values)] if values else None
        points.append(point)
    return points


def _tournament(results: Sequence[SeedResult], found: Found, keys: Sequence[Key]) -> dict[str, Any]:
    sizes = sorted({name for kind, name in keys if kind == "tournament"}, key=int)
    held = [result.tournament for result in results if result.tournament]
    counts = ("contests", "won", "responses", "matches", "unjudged", "ties")
    return {
        "by_size": {
            size: {"grade": entry(results, found, ("tournament", size)), "gain": entry(results, found, ("gain", size))}
            for size in sizes
        },
        **{name: sum(one[name] for one in held) for name in counts},
    }


def _run(result: SeedResult) -> dict[str, Any]:
    return {"seed": result.seed, "problems": result.problems, "seconds": result.seconds}
