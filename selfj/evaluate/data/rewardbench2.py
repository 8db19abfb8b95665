"""Scores of choices in the files of RewardBench 2 (allenai/reward-bench, `scripts/run_v2.py` of 2025), as its readers take them.

`eval-set/ORGANISATION/MODEL.json` holds the accuracy of each subset, `eval-set-scores/ORGANISATION/MODEL.json` texts, scores and
results of every prompt, by columns, the right answer first. A tie for the highest score brings its share. Its subset Ties, whose
prompts have several right answers, has a score of its own, made of margins between and within right and wrong answers of pairs
of prompts: it is left out of the accuracies; its scores are in the second file, with `results` null.
"""

from collections.abc import Sequence
from typing import Any

from selfj.errors import SettingsError
from selfj.evaluate.data.choices import Choice, ChoiceScores, subset_means
from selfj.evaluate.data.rewardbench import FOLDERS, as_json, check_name, id_of, named
from selfj.store import Store


def export_choices(store: Store, model: str, choices: Sequence[Choice], scored: Sequence[ChoiceScores]) -> list[str]:
    """Write both files for the last method without a reference, as ORGANISATION/MODEL; returns their names below `store`.

    A choice with an answer that has no score is a failure in the accuracies, and left out of the file that holds scores. Raises
    SettingsError for a name that is not ORGANISATION/MODEL, or where no method can do without a reference.
    """
    check_name(model)
    chosen = [item for item in scored if not item.scorer.with_reference]
    if not chosen:
        raise SettingsError("--rewardbench: its prompts have no reference; give a method that needs none (length, --judge)")
    item = chosen[-1]
    rows = [row for row, choice in enumerate(choices) if choice.single]
    accuracies = subset_means([choices[row].place.category for row in rows], item.results[rows])
    files = {
        f"{FOLDERS['results']}/{model}.json": as_json({**named(model), **accuracies}),
        f"{FOLDERS['scores']}/{model}.json": as_json({**_columns(choices, item), **named(model)}),
    }
    for name, content in files.items():
        store.write(f"rewardbench/{name}", content)
    return [f"rewardbench/{name}" for name in files]


def _columns(choices: Sequence[Choice], item: ChoiceScores) -> dict[str, list[Any]]:
    known = [
        (choice, scores.tolist(), float(result))
        for choice, scores, result in zip(choices, item.scores, item.results, strict=True)
        if all(score == score for score in scores)
    ]
    return {
        "text": [[_messages(choice.instruction, answer) for answer in choice.answers] for choice, _, _ in known],
        "scores": [scores for _, scores, _ in known],
        "results": [result if choice.single else None for choice, _, result in known],
        "subset": [choice.place.category or "all" for choice, _, _ in known],
        "id": [id_of(choice.place.key) for choice, _, _ in known],
        "num_correct": [choice.right for choice, _, _ in known],
    }


def _messages(prompt: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
