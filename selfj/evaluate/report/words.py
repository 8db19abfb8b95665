"""The findings of metrics.json in words."""

from collections.abc import Mapping
from typing import Any

from selfj.evaluate.gold import NO_GOLD
from selfj.evaluate.methods import TASK_MEAN
from selfj.evaluate.report.formats import count, decimal, hundred, with_interval
from selfj.evaluate.report.titles import Title

Titles = Mapping[str, Title]


def findings(policy: dict[str, Any], titles: Titles) -> list[str]:
    """What one policy's metrics say, in sentences; the headline first."""
    said = [
        headline(policy),
        within_family(policy),
        against_rivals(policy, titles),
        against_ablations(policy, titles),
        against_outside(policy, titles),
        by_risk(policy, titles),
        use_of_it(policy),
        best_of(policy),
        left_out(policy),
    ]
    return [sentence for sentence in said if sentence]


def headline(policy: dict[str, Any]) -> str:
    """The main finding of one policy's metrics, in one sentence."""
    judge = policy["methods"]["judge"]
    if judge["reasons"].get("pearson") == NO_GOLD:
        return _without_gold(judge)
    if judge["pearson"] is None:
        return f"The judge’s score without a reference has no correlation to report: {_reason(judge)}."
    sees = f"Without a reference, the judge’s score reaches a Pearson correlation of {with_interval(judge)} with the gold"
    reference = policy["methods"]["judge_reference"]
    seeing = f"; with the reference in view, {with_interval(reference)}" if reference["pearson"] is not None else ""
    return f"{sees}{seeing}."


def _without_gold(judge: dict[str, Any]) -> str:
    free = judge["label_free"]
    unknown = "No gold was given, so nothing here says how good the judge really is"
    if free["pearson_with_quality"] is None:
        return f"{unknown}; and it cannot be compared with the label-free quality either: {free['reason']}."
    agreement = with_interval(free, "pearson_with_quality")
    return f"{unknown}. Without a reference it reaches a correlation of {agreement} with the label-free quality, which saw one."


def _reason(entry: dict[str, Any]) -> str:
    if not entry["scored"]:
        return next(iter(entry["unscored_reasons"]), "it scored no answer")
    return entry["reasons"].get("pearson", "unknown")


def within_family(policy: dict[str, Any]) -> str:
    """What is left of the headline within a task family, and what the family alone gives; empty without gold."""
    judge = policy["methods"]["judge"]
    within = judge.get("within_family") or {}
    if judge["pearson"] is None or within.get("pearson") is None:
        return ""
    mean = policy["baselines"][TASK_MEAN]["pearson"]
    alone = f"; knowing the task family alone gives {hundred(mean)}" if mean is not None else ""
    return f"Compared only with answers of its own task family, a score reaches {with_interval(within)}{alone}."


def use_of_it(policy: dict[str, Any]) -> str:
    """What declining half of the instructions buys, in one sentence; empty without gold."""
    risk = policy["methods"]["judge"].get("risk_at_coverage") or {}
    if "1.0" not in risk or policy["methods"]["judge"]["pearson"] is None:
        return ""
    before, after = 1 - risk["1.0"], 1 - risk["0.5"]
    what = f"{_change(before, after)} the mean quality of what is answered"
    return f"Answering only the half that it trusts most {what} from {before:.2f} to {after:.2f} (1 is best)."


def best_of(policy: dict[str, Any]) -> str:
    """What picking the best of many answers buys, in one sentence; empty where nothing was resampled."""
    picks = (policy.get("best_of_n") or {}).get("picks") or {}
    largest = max(picks, key=int, default=None)
    values = {name: (entry or {}).get("value") for name, entry in (picks.get(largest) or {}).items()}
    random, judge, oracle = (values.get(name) for name in ("random", "judge", "oracle"))
    if random is None or judge is None:
        return ""
    limit = f"; a perfect pick would reach {oracle:.2f}" if oracle is not None else ""
    what = f"{_change(random, judge)} the mean gold from {random:.2f} to {judge:.2f}"
    return f"Picking the best of {largest} answers with it {what}{limit}."


def _change(before: float, after: float) -> str:
    return "raises" if after > before else "changes"


def left_out(policy: dict[str, Any]) -> str:
    """How many answers the judge could not score; empty if none."""
    judge = policy["methods"]["judge"]
    if not judge["unscored"] or not judge["scored"]:
        return ""
    rows = judge["scored"] + judge["unscored"]
    return f"It scored {count(judge['scored'])} of {count(rows)} answers; the others count only in the AURC of all answers."


def comparison(difference: dict[str, Any]) -> str:
    """Verdict on one expected order: holds, reversed, not told apart, or why it could not be looked at."""
    low, high = difference["difference_low"], difference["difference_high"]
    if difference["difference"] is None:
        return difference["reason"] or "not measured"
    if low is None or high is None:
        return "no interval"
    if low > 0:
        return "holds"
    return "the other way round" if high < 0 else "cannot be told apart"


_PHRASES = {
    "holds": "clearly above",
    "cannot be told apart": "not distinguishable from",
    "the other way round": "clearly below",
}


def against_rivals(policy: dict[str, Any], titles: Titles) -> str:
    """How the judge without reference stands to what needs no training, in one sentence; empty without gold."""
    compared = _verdicts(policy, titles, _is_rival)
    return f"Without a reference it is {compared}." if compared else ""


def against_ablations(policy: dict[str, Any], titles: Titles) -> str:
    """How it stands to judges that were trained with a part left out; empty if there is none."""
    compared = _verdicts(policy, titles, _is_ablation)
    return f"Against judges trained with a part left out it is {compared}." if compared else ""


def against_outside(policy: dict[str, Any], titles: Titles) -> str:
    """How it stands to judges from outside; empty if there is none."""
    compared = _verdicts(policy, titles, lambda name: not _is_rival(name) and not _is_ablation(name))
    return f"Against judges from outside it is {compared}." if compared else ""


def by_risk(policy: dict[str, Any], titles: Titles) -> str:
    """What it is compared with has a clearly smaller area under the risk-coverage curve; empty if nothing has.

    Correlation and order can disagree: a score with a few extreme values correlates badly and may still order answers well.
    """
    differences = (difference for difference in policy["differences"] if difference["better"] == "judge")
    better = [difference["worse"] for difference in differences if (difference.get("aurc_difference_low") or 0) > 0]
    if not better:
        return ""
    named = _listed([f"{_in_sentence(name, titles)} ({decimal(_entry(policy, name)['aurc'])})" for name in better])
    own = decimal(policy["methods"]["judge"]["aurc"])
    return f"By the area under the risk-coverage curve, where less is better, it ({own}) clearly loses to {named}."


def _is_rival(name: str) -> bool:
    return name in ("ppl", "vro", "self_eval", TASK_MEAN)


def _is_ablation(name: str) -> bool:
    return name.startswith("judge_")


def _verdicts(policy: dict[str, Any], titles: Titles, wanted: Any) -> str:
    verdicts: dict[str, list[str]] = {}
    for difference in policy["differences"]:
        other = difference["worse"]
        if difference["better"] == "judge" and difference["difference"] is not None and wanted(other):
            name = f"{_in_sentence(other, titles)} ({hundred(_entry(policy, other)['pearson'])})"
            verdicts.setdefault(comparison(difference), []).append(name)
    return _listed([f"{phrase} {_listed(verdicts[verdict])}" for verdict, phrase in _PHRASES.items() if verdict in verdicts])


def _in_sentence(name: str, titles: Titles) -> str:
    return "the task mean" if name == TASK_MEAN else titles[name].full.replace("Self-eval ", "self-evaluation ")


def _entry(policy: dict[str, Any], name: str) -> dict[str, Any]:
    return policy["baselines" if name == TASK_MEAN else "methods"][name]  # type: ignore[no-any-return]


def _listed(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))
