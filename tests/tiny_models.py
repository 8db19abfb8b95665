"""Tiny random-weight models of real architectures, each with the kind of tokenizer and chat template its family has; and settings
of runs with them."""

from pathlib import Path
from typing import Any

from selfj.config import EngineSettings, ModelSettings, Settings
from selfj.run import RunFolder

_TEXT = [
    "What is 12 + 34? The answer is 46.",
    "Rate the answer from 0 to 9. Question: Reference: Answer: Rating",
    "def add(a, b):\n    return a + b",
    "Response A Response B Answer A Answer B",
    "Übermäßig schöne Grüße, 你好世界, привет мир, مرحبا",
]

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% elif m['role'] == 'assistant' %}{{ m['content'] }}{{ eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)

ARCHITECTURES = ("llama", "qwen", "mistral", "gemma")

_SPECIAL = {
    "llama": (["<pad>", "<bos>", "<|im_start|>", "<|im_end|>"], "<bos>", "<|im_end|>", CHATML),
    "qwen": (["<|endoftext|>", "<|im_start|>", "<|im_end|>"], None, "<|im_end|>", CHATML),
    "mistral": (["<unk>", "<s>", "</s>"], "<s>", "</s>", MISTRAL),
    "gemma": (["<pad>", "<bos>", "<start_of_turn>", "<end_of_turn>"], "<bos>", "<end_of_turn>", GEMMA),
}


SMALL_TRAINING: dict[str, Any] = {
    "batch_size": 8,
    "epochs": 1,
    "precision": "float32",
    "learning_rate": 1e-3,
    "tokens_per_micro_batch": 1200,
    "checkpoint_every": 100,
    "validate_every": 100,
    "max_failures": 0,
}
"""Settings of a training of such a model (LoopSettings), without checkpoints or validation before its end."""


def tiny_settings(run: RunFolder, model: Path, **changes: Any) -> Settings:
    """Settings of a run whose policy is such a model, with short prompts, on one thread; `changes` are fields of Settings."""
    runs, name = run.address.rsplit("/", 1)
    engine = EngineSettings(device="cpu", threads=1, max_sequences=32)
    policy = ModelSettings(model=str(model), name="tiny")
    return Settings(**{"name": name, "runs": runs, "prompts": "short", "policy": policy, "engine": engine, **changes})


def make_tokenizer(architecture: str, digits: bool = True, template: bool = True) -> Any:
    """A byte-level BPE (llama, qwen) or metaspace BPE with byte fallback (mistral, gemma).

    `digits=False` leaves out single digits (llama, qwen).
    """
    from transformers import PreTrainedTokenizerFast

    special, bos, eos, chat = _SPECIAL[architecture]
    backend = _byte_level(special, digits) if architecture in ("llama", "qwen") else _metaspace(special, digits)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=bos, eos_token=eos, pad_token=special[0], chat_template=chat if template else None
    )


def _byte_level(special: list[str], digits: bool) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    pieces = r"\d| ?\p{L}+| ?[^\s\p{L}\d]+|\s+" if digits else r"[\n ]?\d+| ?\p{L}+| ?[^\s\p{L}\d]+|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pieces), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = [c for c in pre_tokenizers.ByteLevel.alphabet() if digits or not c.isdigit() or not c.isascii()]
    tokenizer.train_from_iterator(
        _TEXT * 4,
        trainers.BpeTrainer(
            vocab_size=512, special_tokens=special, initial_alphabet=alphabet, limit_alphabet=len(alphabet), show_progress=False
        ),
    )
    return tokenizer


def _metaspace(special: list[str], digits: bool) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(prepend_scheme="never"), pre_tokenizers.Digits(individual_digits=digits)]
    )
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(
        _TEXT * 4,
        trainers.BpeTrainer(
            vocab_size=600, special_tokens=[*special, *fallback], initial_alphabet=list("0123456789"), show_progress=False
        ),
    )
    return tokenizer


def make_model(
    folder: Path, architecture: str = "llama", *, digits: bool = True, template: bool = True, context: int = 512, seed: int = 0
) -> Path:
    """Save a two-layer random model with its tokenizer in `folder`; weights are the same for the same seed."""
    import torch
    import transformers as tf

    tokenizer = make_tokenizer(architecture, digits, template)
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
        "max_position_embeddings": context,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    configs = {
        "llama": (tf.LlamaConfig, tf.LlamaForCausalLM, {"tie_word_embeddings": True}),
        "qwen": (tf.Qwen2Config, tf.Qwen2ForCausalLM, {"tie_word_embeddings": True}),
        "mistral": (tf.MistralConfig, tf.MistralForCausalLM, {"sliding_window": None}),
        "gemma": (tf.Gemma2Config, tf.Gemma2ForCausalLM, {"head_dim": 32, "query_pre_attn_scalar": 32, "sliding_window": 128}),
    }
    config, model, extra = configs[architecture]
    torch.manual_seed(seed)
    model(config(**shape, **extra)).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
