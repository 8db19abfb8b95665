"""Run folders that can be served, made in a second: the pocket policy, and a judge that nobody trained."""

import shutil
from pathlib import Path

from selfj.config import ModelSettings, SampleSettings, as_dict
from selfj.judge.judge import JudgeFolder
from selfj.labels import label_token_ids
from selfj.prompts import PromptEncoder, load_tokenizer
from selfj.run import RunFolder
from selfj.selfjudge.wording import PairEncoder
from selfj.tables import Fingerprint, Manifest
from tests.cards import jsft_card, judge_card
from tests.serve.fakes import CURVE, THRESHOLDS

POLICY = Path(__file__).parents[2] / "selfj/pocket/policies/base"
WEIGHTS = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
CONTEXT = 512


def make_run(folder: Path, *, max_tokens: int = 24, adapter: bool = False, policy: Path = POLICY) -> Path:
    """A run whose judge is the pocket policy itself, or a LoRA adapter on it; the promises are those of the fakes."""
    sampling = SampleSettings(max_tokens=max_tokens)
    made = {
        "seed": 1,
        "policy": as_dict(ModelSettings(model=str(policy), name="pocket", context=CONTEXT)),
        "sample": as_dict(sampling),
    }
    RunFolder(str(folder)).table("responses").write_manifest(Manifest("responses", Fingerprint(made, {}), finished=True))
    make_judge(folder / "judge", adapter)
    return folder


def make_judge(folder: Path, adapter: bool = False) -> JudgeFolder:
    """A judge's folder: the pocket policy's weights, or a random adapter of rank 8 on them."""
    folder.mkdir(parents=True)
    if adapter:
        _write_adapter(folder)
    else:
        for name in WEIGHTS:
            shutil.copy(POLICY / name, folder)
    judge = _card(folder, adapter)
    judge.write()
    return judge


def make_comparing(folder: Path) -> Path:
    """A model that compares answers: the pocket policy's weights."""
    folder.mkdir(parents=True)
    for name in WEIGHTS:
        shutil.copy(POLICY / name, folder)
    tokenizer = load_tokenizer(str(POLICY))
    encoder = PairEncoder(PromptEncoder(tokenizer, "short", CONTEXT), "short")
    jsft_card(
        folder,
        base_model=str(POLICY),
        base_path=str(POLICY),
        label_token_ids=encoder.labels,
        end_token_id=tokenizer.eos_token_id,
        max_prompt_tokens=CONTEXT - 1,
    ).write()
    return folder


def _card(folder: Path, adapter: bool) -> JudgeFolder:
    tokenizer = load_tokenizer(str(POLICY))
    example = PromptEncoder(tokenizer, "short", CONTEXT).rating_text("Is this a question?", "Yes.", "Yes.")
    return judge_card(
        folder,
        base_model=str(POLICY),
        base_path=str(POLICY),
        adapter=adapter,
        adapter_rank=8 if adapter else None,
        label_token_ids=label_token_ids(tokenizer, example),
        end_token_id=tokenizer.eos_token_id,
        max_prompt_tokens=CONTEXT - 1,
        policy="pocket",
        thresholds=THRESHOLDS,
        calibration={"on": "gold: exact grades", "curve": CURVE},
    )


def _write_adapter(folder: Path) -> None:
    import peft
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(POLICY)
    how = peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
    peft.get_peft_model(model, how).save_pretrained(folder)
