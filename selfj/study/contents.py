"""What a run depends on beside its settings: the content of files, models and functions that they name."""

from selfj.collect.sources import contents_of as contents_of_sources
from selfj.config import Settings
from selfj.engine import content_of_model
from selfj.raters import content_of
from selfj.score.similarity import embedding_folder
from selfj.store import content_hash, function_hash
from selfj.variants import variant_settings


def contents_of(settings: Settings) -> dict[str, object]:
    """Hashes of all of it, cheap ones: large files are read at both ends (`content_hash`). What is not there has a hash too."""
    how = settings.evaluate
    learners = [settings, *(variant_settings(settings, name) for name in settings.variants)]
    return {
        "sources": contents_of_sources(settings.collect),
        "decontaminate": [content_hash(item.path) for item in settings.collect.decontaminate.sets],
        "policy": content_of_model(settings.policy),
        "embedding_models": [content_hash(embedding_folder(one.score.embedding_model)) for one in learners],
        "base_models": [content_hash(one.train.base_model) for one in learners if one.train.base_model],
        "judges": [content_of(judge) for judge in how.judges],
        "gold_file": content_hash(how.gold_file) if how.gold_file else None,
        "gold": function_hash(how.gold),
    }
