"""Cards of models that nobody trained."""

import dataclasses
from typing import Any

from selfj.judge.judge import JudgeFolder
from selfj.prompts import RATING_PROMPTS
from selfj.selfjudge.jsft.card import JsftFolder
from selfj.selfjudge.wording import PAIR_PROMPTS

_TRAINED: dict[str, Any] = {
    "base_model": "base",
    "base_path": "/gone/base",
    "revision": None,
    "adapter_rank": None,
    "data": "abc",
    "settings": {},
    "counts": {},
    "validation": {},
}


def judge_card(path: object, **changes: Any) -> JudgeFolder:
    """A judge's card, of whole weights; `changes` are fields of it. Not written yet."""
    values: dict[str, Any] = {
        **_TRAINED,
        "prompts": "short",
        "labels": [str(digit) for digit in range(10)],
        "label_token_ids": list(range(10)),
        "end_token_id": 11,
        "max_prompt_tokens": 254,
        "adapter": False,
        "policy": "tiny",
        "examples": 5,
        **changes,
    }
    return JudgeFolder(path=str(path), **{"prompt_texts": dataclasses.asdict(RATING_PROMPTS[values["prompts"]]), **values})


def jsft_card(path: object, **changes: Any) -> JsftFolder:
    """The card of a model after JSFT; `changes` are fields of it. Not written yet."""
    values: dict[str, Any] = {
        **_TRAINED,
        "prompts": "short",
        "label_token_ids": [1, 2],
        "end_token_id": 3,
        "max_prompt_tokens": 300,
        "principles": ["overall"],
        "judge_share": 0.5,
        "pairs": 10,
        "examples": {},
        **changes,
    }
    texts = PAIR_PROMPTS[values["prompts"]]
    return JsftFolder(path=str(path), **{"prompt_texts": dataclasses.asdict(texts), "labels": list(texts.labels), **values})
