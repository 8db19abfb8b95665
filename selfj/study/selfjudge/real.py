"""The first seed's judge beside people: their votes, and their preference pairs as examples to learn from."""

from dataclasses import replace
from typing import Any

from selfj.config import ModelSettings
from selfj.run import RunFolder
from selfj.selfjudge.agreement import human_agreement, read_voted
from selfj.selfjudge.jsft.card import CARD
from selfj.selfjudge.jsft.encode import count_examples
from selfj.selfjudge.jsft.examples import JUDGE, SFT
from selfj.selfjudge.jsft.step import make_examples
from selfj.selfjudge.judges import PairJudgeSettings, pair_judge_made_with
from selfj.selfjudge.preferences.step import make_preferences
from selfj.selfjudge.self_training.host import RemoteJudge, start_judge
from selfj.selfjudge.settings import PairSourceSettings, SelfJudgeSettings
from selfj.store import content_hash, hash_of
from selfj.study.selfjudge.kept import kept


def agreement_with_votes(votes: str, settings: SelfJudgeSettings, study: RunFolder) -> dict[str, float]:
    """How far the judge's verdicts are those of most voters (selfj.selfjudge.agreement); kept in the study's folder.

    Raises SelfJError if the file cannot be used.
    """
    judge = PairJudgeSettings(ModelSettings(model=RunFolder(settings.run_folder).path("jsft"), dtype=settings.policy.dtype))
    made_with = hash_of([content_hash(votes), pair_judge_made_with(judge)])
    return kept(study, "human_agreement", made_with, lambda: _agreement(votes, judge, settings))


def _agreement(votes: str, judge: PairJudgeSettings, settings: SelfJudgeSettings) -> dict[str, float]:
    import ray

    voted = read_voted(votes)
    host = start_judge(judge, settings.engine, settings.seed)
    try:
        return human_agreement(RemoteJudge(host), voted)
    finally:
        ray.kill(host)


def counted_preferences(path: str, settings: SelfJudgeSettings, study: RunFolder) -> dict[str, Any]:
    """What becomes of a table of people's pairs on the way to JSFT's batches: every row is an example or a reject.

    `rows_in` = `pairs` + `rejected`, and `sft` + `judge` + `validation` + `examples_rejected` = `examples_in`.

    Raises SelfJError if the file cannot be used.
    """
    run = RunFolder(study.path("preferences"))
    source = PairSourceSettings(path=path, name="real")
    chosen = replace(settings, preferences=replace(settings.preferences, sources=[source]))
    pairs = make_preferences(run, chosen)
    examples = make_examples(run, chosen)
    counts = count_examples(run)
    return {
        "rows_in": pairs.rows_in,
        "pairs": pairs.rows_out,
        "rejected": pairs.rejected,
        "reasons": pairs.details["reasons"],
        "splits": pairs.details["splits"],
        "considered": pairs.details["splits"]["train"],
        "examples_in": examples.rows_in,
        "examples_rejected": examples.rejected,
        "sft": counts.kinds[SFT],
        "judge": counts.kinds[JUDGE],
        "validation": examples.rows_out - sum(counts.kinds),
    }


def has_start(settings: SelfJudgeSettings) -> bool:
    """Whether there is a finished JSFT model to ask."""
    return RunFolder(settings.run_folder).store.exists(f"jsft/{CARD}")
