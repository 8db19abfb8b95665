"""A trained judge in an engine of this process, whichever run it comes from."""

from typing import Any

from selfj.config import EngineSettings, ModelSettings
from selfj.engine import Adapter, Engine
from selfj.judge.judge import JudgeFolder
from selfj.rating import Rater
from selfj.store import local_copy


def load_judge_rater(
    folder: str, engine: EngineSettings, *, dtype: Any = "auto", context: int | None = None, seed: int = 0
) -> Rater:
    """A judge's folder (any file system) as what rates with it, in the prompts it was trained on.

    `context`: longest sequence in tokens; by default just what its prompts need. Raises ModelError, in one line, if the folder is
    no finished judge or vLLM cannot load it.
    """
    judge = JudgeFolder.load(local_copy(folder))
    return judge_rater(judge, Engine(judge_model(judge, dtype, context), engine, judge_adapter(judge), seed))


def judge_model(judge: JudgeFolder, dtype: Any = "auto", context: int | None = None) -> ModelSettings:
    """The model that an engine loads for a judge: its own weights, or those below its adapter."""
    return ModelSettings(
        model=judge.model,
        revision=judge.revision,
        chat_template=judge.chat_template,
        dtype=dtype,
        context=context or judge.max_prompt_tokens + 1,
    )


def judge_adapter(judge: JudgeFolder) -> Adapter | None:
    """A judge's LoRA adapter, if it is one."""
    return Adapter("judge", judge.path, judge.adapter_rank) if judge.adapter and judge.adapter_rank else None


def judge_rater(judge: JudgeFolder, engine: Engine, tokenizer: Any = None) -> Rater:
    """A judge on an engine that has its weights, in the prompts it was trained on."""
    adapted = engine.adapter is not None
    return Rater(engine, judge.prompts, judge.max_prompt_tokens, adapted=adapted, tokenizer=tokenizer)
