"""Scores of pairs in the files of RewardBench (allenai/reward-bench, package rewardbench 0.1.4), as its own readers take them.

`eval-set/ORGANISATION/MODEL.json` holds the accuracy of each subset, as `scripts/run_rm.py` uploads it and
`analysis/utils.py: load_results` reads it; `eval-set-scores/ORGANISATION/MODEL.json` the texts and scores of every pair, by
columns, as `run_ensemble_offline.py` reads them; `ORGANISATION/MODEL_outputs.jsonl` what the command `rewardbench` writes for
data of one's own. Theirs is the convention that a tie is a failure: `results` is 1 where chosen > rejected.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from selfj.errors import SettingsError
from selfj.evaluate.data.pairs import PairScores
from selfj.evaluate.data.reading import FIRST, TIE, Pair
from selfj.evaluate.data.votes import majorities
from selfj.store import Store

MODEL_TYPE = "Seq. Classifier"
"""RewardBench's word for a model that gives each answer a number by itself."""
FOLDERS = {"results": "eval-set", "scores": "eval-set-scores"}


def export(store: Store, model: str, pairs: Sequence[Pair], scored: Sequence[PairScores]) -> list[str]:
    """Write the three files for the last method without a reference (the judge, if there is one), as ORGANISATION/MODEL.

    Pairs without a preferred answer are left out. A pair without both scores is a failure in the accuracies, so that no score is
    better than a wrong one, and left out of the files that hold scores. Returns the files' names below `store`. Raises
    SettingsError for a name that is not ORGANISATION/MODEL, or where no method can do without a reference.
    """
    check_name(model)
    chosen = [item for item in scored if not item.first.scorer.with_reference]
    if not chosen:
        raise SettingsError("--rewardbench: its pairs have no reference; give a method that needs none (length, --judge)")
    columns, unscored = _columns(pairs, chosen[-1]), _unscored(pairs, chosen[-1])
    files = {
        f"{FOLDERS['results']}/{model}.json": as_json({**named(model), **_by_subset(columns, unscored)}),
        f"{FOLDERS['scores']}/{model}.json": as_json({**_scores(columns), **named(model)}),
        f"{model}_outputs.jsonl": _lines(columns),
    }
    for name, content in files.items():
        store.write(f"rewardbench/{name}", content)
    return [f"rewardbench/{name}" for name in files]


def check_name(model: str) -> None:
    """Raise SettingsError for a name that is not ORGANISATION/MODEL."""
    if model.count("/") != 1 or not all(model.split("/")):
        raise SettingsError(f"--rewardbench: {model!r} is not ORGANISATION/MODEL, the form of RewardBench's names")


def _columns(pairs: Sequence[Pair], item: PairScores) -> dict[str, list[Any]]:
    gold, margin = majorities(pairs), item.margin
    columns: dict[str, list[Any]] = defaultdict(list)
    for row in np.flatnonzero((gold != TIE) & np.isfinite(margin)):
        pair, first = pairs[row], gold[row] == FIRST
        scores = (float(item.first.scores.values[row]), float(item.second.scores.values[row]))
        texts = (pair.first, pair.second)
        values = {
            "prompt": pair.instruction,
            "text_chosen": texts[0 if first else 1],
            "text_rejected": texts[1 if first else 0],
            "scores_chosen": scores[0 if first else 1],
            "scores_rejected": scores[1 if first else 0],
            "results": int(margin[row] * gold[row] > 0),
            "subset": _subset(pair),
            "id": id_of(pair.place.key),
        }
        for name, value in values.items():
            columns[name].append(value)
    return columns


def _unscored(pairs: Sequence[Pair], item: PairScores) -> Counter[str]:
    """Pairs with a preferred answer, but not with both scores, in each subset."""
    return Counter(_subset(pairs[row]) for row in np.flatnonzero((majorities(pairs) != TIE) & ~np.isfinite(item.margin)))


def _subset(pair: Pair) -> str:
    return pair.place.category or "all"


def id_of(key: str) -> int | str:
    """RewardBench's ids are numbers where they can be."""
    return int(key) if key.isdigit() else key


def _by_subset(columns: dict[str, list[Any]], unscored: Counter[str]) -> dict[str, float]:
    right, all_of_them = Counter[str](), Counter(columns["subset"]) + unscored
    for subset, result in zip(columns["subset"], columns["results"], strict=True):
        right[subset] += result
    return {subset: right[subset] / count for subset, count in all_of_them.items()}


def _scores(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """What its scores file has: the texts as messages, scores, results, subset and id."""
    texts = {name: _messages(columns["prompt"], columns[name]) for name in ("text_chosen", "text_rejected")}
    return {**{name: values for name, values in columns.items() if name != "prompt"}, **texts}


def _messages(prompts: list[str], answers: list[str]) -> list[list[dict[str, str]]]:
    return [
        [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        for prompt, answer in zip(prompts, answers, strict=True)
    ]


def _lines(columns: dict[str, list[Any]]) -> bytes:
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def named(model: str) -> dict[str, str]:
    """What its files say of a model."""
    return {"model": model, "model_type": MODEL_TYPE, "chat_template": "tokenizer"}


def as_json(values: dict[str, Any]) -> bytes:
    """As RewardBench writes its files."""
    return json.dumps(values, indent=4, sort_keys=True, ensure_ascii=False).encode()
