"""A small SELF-JUDGE run on disk: prompts, given pairs, and the settings that begin with them."""

import json
from typing import Any

from selfj.config import LoraSettings, ModelSettings
from selfj.pocket.world import item
from selfj.records import to_table
from selfj.run import RunFolder
from selfj.selfjudge.preferences.table import Preference, Prompt
from selfj.selfjudge.self_training.settings import SelfTrainingSettings
from selfj.selfjudge.settings import SelfJudgeSettings
from selfj.tables import Fingerprint

GRADE = "selfj.pocket.grading:grade_response"


def settings(model: str, **changes: Any) -> SelfJudgeSettings:
    """Settings of a tiny run."""
    how: dict[str, Any] = {
        "start": model,
        "rounds": 3,
        "round_prompts": 4,
        "batch_size": 4,
        "answer_tokens": 6,
        "final_prompts": 3,
        "validation_examples": 2,
        "validate_every": 2,
        "checkpoint_every": 1,
        "learning_rate": 0.05,
        "tokens_per_micro_batch": 120,
        "precision": "float32",
        "gold": GRADE,
        "lora": LoraSettings(rank=4, alpha=8, dropout=0.1),
    }
    policy = ModelSettings(model=model, name="tiny", dtype="float32")
    return SelfJudgeSettings(seed=3, prompts="short", policy=policy, self_training=SelfTrainingSettings(**{**how, **changes}))


def write_run(run: RunFolder, prompts: int = 6, tests: int = 3, pairs: int = 7) -> None:
    """Finished tables `prompts` and `preferences` of the pocket world."""
    rows = [_prompt(number, "prompts" if number < prompts else "test") for number in range(prompts + tests)]
    _write(run, "prompts", to_table(Prompt, rows))
    _write(run, "preferences", to_table(Preference, [_preference(number) for number in range(100, 100 + pairs)]))


def _write(run: RunFolder, name: str, rows: Any) -> None:
    table = run.table(name)
    manifest = table.begin(Fingerprint({}, {}), "preferences")
    table.write(0, rows, [], rows.num_rows)
    table.finish(manifest)


def _prompt(number: int, split: str) -> Prompt:
    made = item(1, number)
    return Prompt(f"id-{number}", made.instruction, None, "pocket", number, split, _metadata(number))


def _preference(number: int) -> Preference:
    made = item(1, number)
    return Preference(
        pair_id=f"pair-{number}",
        instruction_id=f"id-{number}",
        instruction=made.instruction,
        messages=None,
        chosen=made.reference,
        rejected="I do not know.",
        score_chosen=1.0,
        score_rejected=0.1,
        principles=None,
        exchanged=False,
        source="pocket",
        row=number,
        split="train",
        metadata=_metadata(number),
    )


def _metadata(number: int) -> str:
    return json.dumps({"seed": 1, "index": number})
