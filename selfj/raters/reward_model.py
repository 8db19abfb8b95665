"""A Hugging Face reward model (sequence classification) as baseline: the raw reward of the answer, on the model's own scale."""

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from selfj.config import OutsideJudgeSettings
from selfj.errors import ModelError
from selfj.prompts import load_tokenizer
from selfj.raters.options import RewardModelOptions, reward_model_options
from selfj.raters.replies import unrated
from selfj.raters.reward_inputs import Encoded, inputs_of
from selfj.rating import Question, Rating


class RewardModelRater:
    """Scores answers with a reward model, on a GPU if this process has one, in batches of like length. References are not read.

    Of an answer that is too long the middle is left out (of one in a text pair the end); an instruction that is too long is null.

    Raises ModelError, in one line, if the checkpoint cannot be loaded, has no reward head, or has several outputs and
    `options.index` names none. Code that comes with a checkpoint is not run.
    """

    def __init__(self, settings: OutsideJudgeSettings) -> None:
        self.options = reward_model_options(settings)
        self.model = _load_model(settings.model, self.options)
        self.index = _output(settings.model, int(self.model.config.num_labels), self.options.index)
        tokenizer = load_tokenizer(settings.model, self.options.chat_template, self.options.revision)
        self.inputs = inputs_of(tokenizer, _longest(tokenizer, self.model.config, self.options.max_tokens))
        self._text_config = self.model.config.get_text_config()
        self._pad = self._text_config.pad_token_id

    def rate(self, questions: Sequence[Question]) -> list[Rating]:
        """One reward per question, in order."""
        encoded = [self.inputs.encode(question.instruction, question.response) for question in questions]
        ratings = {row: unrated(item) for row, item in enumerate(encoded) if isinstance(item, str)}
        inputs = {row: item for row, item in enumerate(encoded) if not isinstance(item, str)}
        for batch in _batches(inputs, self.options.batch_tokens):
            rewards = self._rewards([inputs[row] for row in batch])
            ratings |= {row: _rating(reward) for row, reward in zip(batch, rewards, strict=True)}
        return [ratings[row] for row in range(len(questions))]

    def _rewards(self, batch: Sequence[Encoded]) -> list[float]:
        import torch

        pad = self._padding(batch)
        tensors = {name: _padded([row[name] for row in batch], pad if name == "input_ids" else 0) for name in batch[0]}
        with torch.inference_mode():
            logits = self.model(**{name: values.to(self.model.device) for name, values in tensors.items()}).logits
        return [float(reward) for reward in logits[:, self.index].float().tolist()]

    def _padding(self, batch: Sequence[Encoded]) -> int:
        """The padding token: reward models of decoders read the reward at the last token that is another.

        A model that names none reads it at the very last one, so any token will do that is not in the batch.
        """
        if self._pad is not None:
            return int(self._pad)
        used = {token for row in batch for token in row["input_ids"]}
        self._text_config.pad_token_id = next(token for token in count() if token not in used)
        return int(self._text_config.pad_token_id)


def _load_model(name: str, options: RewardModelOptions) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = "float32" if options.dtype == "auto" and device == "cpu" else options.dtype
    try:
        model, report = AutoModelForSequenceClassification.from_pretrained(
            name, revision=options.revision, dtype=dtype, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError) as problem:
        raise ModelError(f"{name}: no reward model could be loaded: {' '.join(str(problem).split())[:300]}") from None
    if report["missing_keys"]:
        raise ModelError(
            f"{name}: the checkpoint has no {', '.join(sorted(report['missing_keys']))[:200]}: it is no reward model (sequence "
            "classification), its scores would be random"
        )
    return model.eval().to(device)


def _output(name: str, outputs: int, index: int | None) -> int:
    if index is None and outputs != 1:
        raise ModelError(f"{name}: the model has {outputs} outputs; say in options.index which one is the reward (-1: the last)")
    if index is not None and not -outputs <= index < outputs:
        raise ModelError(f"{name}: options.index {index}: the model has {outputs} outputs")
    return index or 0


def _longest(tokenizer: Any, config: Any, wanted: int | None) -> int:
    """Tokens that the model can read, or as many as wanted."""
    limits = [wanted, tokenizer.model_max_length, getattr(config.get_text_config(), "max_position_embeddings", None)]
    return int(min(limit for limit in limits if limit and limit > 0))


def _batches(inputs: dict[int, Encoded], tokens: int) -> Iterator[list[int]]:
    """Rows of like length together, the longest first, each batch at most `tokens` with its padding (or one row)."""
    batch: list[int] = []
    longest = 0
    for row in sorted(inputs, key=lambda row: -len(inputs[row]["input_ids"])):
        if batch and longest * (len(batch) + 1) > tokens:
            yield batch
            batch = []
        longest = longest if batch else len(inputs[row]["input_ids"])
        batch.append(row)
    if batch:
        yield batch


def _padded(rows: Sequence[Sequence[int]], fill: int) -> Any:
    import torch
    from torch.nn.utils.rnn import pad_sequence

    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=fill)


def _rating(reward: float) -> Rating:
    return Rating(reward, None, None, None) if math.isfinite(reward) else unrated("the model gave no finite reward")
