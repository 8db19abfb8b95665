"""The pocket policies' tokenizer: a small byte-level BPE in which every digit is a token."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from selfj.pocket.chat import CHAT_TEMPLATE, END, PAD, SPECIAL_TOKENS, rating_question
from selfj.pocket.facts import WEB_POPULARITY
from selfj.pocket.language import VOCABULARIES
from selfj.pocket.mistakes import WebHabits, web_answer
from selfj.pocket.world import draw

PIECES = r" ?\d| ?[A-Za-z]+| ?[^\sA-Za-z\d]| |\n"
"""Words and digits with the blank before them; anything else by character. ByteLevel makes every character writable."""
LABEL_TEXT = "Which is better? Response A, Response B. The best would be Response A; no, Response B. yes no"
"""Makes pair labels (" A", " B") single tokens, for judges of pairs."""


def sample_text(seed: int, items: int) -> Iterator[str]:
    """Yield the text that the vocabulary is learnt from."""
    rng, habits = random.Random(f"pocket tokenizer {seed}"), WebHabits()
    for _ in range(items):
        item = draw(rng, WEB_POPULARITY)
        yield item.instruction
        yield item.reference
        yield web_answer(rng, item, habits)
    for _ in range(items // 20):
        yield rating_question("x", "x") + "\nAnswer: "
        yield LABEL_TEXT
        yield " ".join(f"{term}+ {term}-" for terms in VOCABULARIES.values() for term in terms[:2])


def train_tokenizer(vocabulary: int, seed: int, items: int = 40_000) -> Tokenizer:
    """Learn a byte-level BPE of `vocabulary` tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PIECES), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample_text(seed, items), trainer)
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_tokens: int) -> None:
    """Write tokenizer.json and the tokenizer_config.json that AutoTokenizer reads."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_tokens,
        "pad_token": PAD,
        "eos_token": END,
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
