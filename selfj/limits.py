"""The ranges of settings, beyond what their types say."""

import re

from selfj.collect_settings import ClassifierSettings
from selfj.config import Settings
from selfj.setting_fields import name_limit


def problems_of(settings: Settings) -> list[str]:
    """One line for each value out of its range."""
    limits: list[tuple[bool, str]] = [
        name_limit(settings.name),
        (bool(settings.policy.model), "policy.model: give a folder or a Hugging Face name"),
        (bool(settings.collect.sources), "collect.sources: give at least one source"),
        (
            0 < settings.collect.test_fraction + settings.collect.calibration_fraction < 1,
            "collect.test_fraction + calibration_fraction: between 0 and 1",
        ),
        (settings.collect.rows_per_part > 0, "collect.rows_per_part: at least 1"),
        (settings.collect.min_words <= settings.collect.max_words, "collect.min_words: at most collect.max_words"),
        (settings.collect.max_line_megabytes > 0, "collect.max_line_megabytes: above 0"),
        (
            settings.collect.max_instructions is None or settings.collect.max_instructions > 0,
            "collect.max_instructions: at least 1",
        ),
        (settings.collect.workers > 0, "collect.workers: at least 1"),
        *_collect_limits(settings),
        (settings.sample.responses_per_instruction > 0, "sample.responses_per_instruction: at least 1"),
        (settings.sample.temperature >= 0, "sample.temperature: at least 0"),
        (0 < settings.sample.top_p <= 1, "sample.top_p: above 0, at most 1"),
        (settings.sample.max_tokens > 0, "sample.max_tokens: at least 1"),
        (
            settings.score.self_evaluation_weight + settings.score.similarity_weight > 0,
            "score: one of the two weights must be above 0",
        ),
        (settings.train.batch_size % settings.train.workers == 0, "train.batch_size: a multiple of train.workers"),
        (settings.train.gpus_per_worker in (0, 1), "train.gpus_per_worker: 0 or 1"),
        (settings.train.epochs > 0, "train.epochs: above 0"),
        (settings.engine.workers > 0 and settings.train.workers > 0, "workers: at least 1"),
        *_evaluate_limits(settings),
    ]
    return [message for holds, message in limits if not holds]


def _collect_limits(settings: Settings) -> list[tuple[bool, str]]:
    near, clean, balance = settings.collect.near_duplicates, settings.collect.decontaminate, settings.collect.balance
    patterns = [pattern for source in settings.collect.sources for pattern in source.only.values()]
    return [
        (0 < near.threshold <= 1, "collect.near_duplicates.threshold: above 0, at most 1"),
        (0 <= near.asked <= 1, "collect.near_duplicates.asked: from 0 to 1"),
        (near.shingle > 0, "collect.near_duplicates.shingle: at least 1"),
        (near.bands > 0 and near.band_rows > 0, "collect.near_duplicates.bands and band_rows: at least 1"),
        (all(weight > 0 for weight in balance.categories.values()), "collect.balance.categories: weights above 0"),
        (balance.max_per_source is None or balance.max_per_source > 0, "collect.balance.max_per_source: at least 1"),
        (balance.clusters >= 0, "collect.balance.clusters: at least 0"),
        *_classifier_limits(settings.collect.classifier),
        (clean.ngram > 0, "collect.decontaminate.ngram: at least 1"),
        (all(item.path for item in clean.sets), "collect.decontaminate.sets: each needs a `path`"),
        (all(map(_is_pattern, patterns)), "collect.sources: `only` holds something that is no regular expression"),
    ]


def _classifier_limits(settings: ClassifierSettings) -> list[tuple[bool, str]]:
    nearest, asked = settings.centroids, settings.asked
    return [
        (bool(settings.unknown), "collect.classifier.unknown: a name is expected"),
        (
            nearest.max_examples > 0 and nearest.per_category > 0,
            "collect.classifier.centroids.max_examples and per_category: at least 1",
        ),
        (0 <= nearest.held_out < 1, "collect.classifier.centroids.held_out: at least 0, below 1"),
        (2 <= len(asked.categories) <= 9, "collect.classifier.asked.categories: 2 to 9 of them"),
        (0 <= asked.min_probability <= 1, "collect.classifier.asked.min_probability: 0 to 1"),
    ]


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _evaluate_limits(settings: Settings) -> list[tuple[bool, str]]:
    how = settings.evaluate
    drawn = how.resamples > 0 or how.best_of > 0
    return [
        (
            how.gold_scale is None or (len(how.gold_scale) == 2 and how.gold_scale[0] < how.gold_scale[1]),
            "evaluate.gold_scale: two numbers, the lower first",
        ),
        (min(how.resamples, how.best_of) >= 0, "evaluate.resamples and evaluate.best_of: at least 0"),
        (how.best_of == 0 or how.best_of_instructions > 0, "evaluate.best_of_instructions: at least 1"),
        (
            not drawn or settings.sample.temperature > 0,
            "evaluate.resamples and evaluate.best_of: need sample.temperature above 0, else all answers are the same",
        ),
    ]
