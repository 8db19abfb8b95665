"""Reward models, on tiny random ones with the heads and tokenizers that real ones have."""

from pathlib import Path
from typing import Any

import pytest

from selfj.config import OutsideJudgeSettings
from selfj.errors import ModelError
from selfj.raters import content_of, load_judge
from selfj.rating import Question
from tests.tiny_models import make_model, make_tokenizer

QUESTIONS = [
    Question("What is 12 + 34?", "The answer is 46."),
    Question("Rate it.", "x " * 40),
    Question("What?", ""),
    Question("def add(a, b):", "return a + b"),
]


def make_reward_model(folder: Path, *, outputs: int = 1, pad: bool = True, template: bool = True, context: int = 512) -> str:
    """A Llama with a reward head on its last token."""
    import torch
    import transformers as tf

    tokenizer = make_tokenizer("llama", template=template)
    torch.manual_seed(1)
    config = tf.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=context,
        num_labels=outputs,
        pad_token_id=tokenizer.pad_token_id if pad else None,
    )
    tf.LlamaForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def make_encoder(folder: Path) -> str:
    """A BERT with a reward head, which reads a pair of texts and has no chat template."""
    import torch
    import transformers as tf
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "what", "is", "this", "an", "answer", "bad", "?"]
    backend = Tokenizer(models.WordLevel({word: row for row, word in enumerate(words)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = tf.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=16,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    torch.manual_seed(1)
    config = tf.BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=16,
        num_labels=1,
    )
    tf.BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def load(folder: str, **options: Any) -> Any:
    return load_judge(OutsideJudgeSettings(name="rm", kind="reward_model", model=folder, options=options))


def plain_reward(folder: str, ids: Any, **inputs: Any) -> list[float]:
    """All outputs for one sequence, straight from transformers."""
    import torch
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        return [float(value) for value in model(torch.tensor([ids]), **inputs).logits[0]]


def chat_ids(folder: str, question: Question) -> list[int]:
    return [token for piece in chat_pieces(folder, question) for token in piece]


def chat_pieces(folder: str, question: Question) -> list[list[int]]:
    """Token ids of what comes before the answer, the answer, and what comes after it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    turns = [{"role": "user", "content": question.instruction}, {"role": "assistant", "content": "RESPONSE"}]
    before, after = tokenizer.apply_chat_template(turns, tokenize=False).split("RESPONSE")
    return [list(tokenizer.encode(text, add_special_tokens=False)) for text in (before, question.response, after)]


@pytest.mark.parametrize("pad", [True, False])
def test_rewards_in_batches_are_those_of_one_chat_at_a_time(tmp_path, pad):
    folder = make_reward_model(tmp_path, pad=pad)
    ratings = load(folder).rate(QUESTIONS)
    expected = [plain_reward(folder, chat_ids(folder, question))[0] for question in QUESTIONS]
    assert [rating.score for rating in ratings] == pytest.approx(expected, abs=1e-5)
    assert len({round(reward, 4) for reward in expected}) == len(QUESTIONS)
    assert load(folder, batch_tokens=1).rate(QUESTIONS)[1].score == pytest.approx(expected[1], abs=1e-5)


def test_references_are_not_read(tmp_path):
    rater = load(make_reward_model(tmp_path))
    shown, hidden = rater.rate([Question("What?", "This.", "That."), Question("What?", "This.")])
    assert shown.score == pytest.approx(hidden.score, abs=1e-5)


def test_of_several_outputs_the_named_one_is_the_reward(tmp_path):
    folder = make_reward_model(tmp_path, outputs=3)
    expected = plain_reward(folder, chat_ids(folder, QUESTIONS[0]))
    assert load(folder, index=1).rate(QUESTIONS[:1])[0].score == pytest.approx(expected[1], abs=1e-5)
    assert load(folder, index=-1).rate(QUESTIONS[:1])[0].score == pytest.approx(expected[2], abs=1e-5)
    with pytest.raises(ModelError, match=r"has 3 outputs; say in options\.index"):
        load(folder)
    with pytest.raises(ModelError, match=r"options\.index 3: the model has 3 outputs"):
        load(folder, index=3)


def test_of_a_long_answer_the_middle_is_left_out(tmp_path):
    folder = make_reward_model(tmp_path, context=128)
    long = Question("What?", "begin " + "x " * 500 + "end")
    short, cut = load(folder).rate([QUESTIONS[0], long])
    before, answer, after = chat_pieces(folder, long)
    room = 128 - len(before) - len(after)
    kept = before + answer[: room - room // 2] + answer[-(room // 2) :] + after
    assert len(kept) == 128
    assert cut.score == pytest.approx(plain_reward(folder, kept)[0], abs=1e-5)
    assert short.score is not None


def test_an_instruction_that_is_too_long_is_null_with_a_reason(tmp_path):
    rater = load(make_reward_model(tmp_path), max_tokens=64)
    long, short = rater.rate([Question("x " * 100, "y"), Question("What?", "y")])
    assert long.score is None
    assert "of 64 tokens" in str(long.reason)
    assert short.score is not None


def test_an_encoder_without_a_chat_template_reads_a_pair_of_texts(tmp_path):
    import torch

    folder = make_encoder(tmp_path)
    ratings = load(folder).rate(
        [Question("what is this ?", "an answer"), Question("what ?", "bad " * 50), Question("x " * 50, "y")]
    )
    types = torch.tensor([[0, 0, 0, 0, 0, 0, 1, 1, 1]])
    expected = plain_reward(folder, [2, 4, 5, 6, 10, 3, 7, 8, 3], token_type_ids=types)
    assert ratings[0].score == pytest.approx(expected[0], abs=1e-5)
    types = torch.tensor([[0] * 4 + [1] * 12])
    expected = plain_reward(folder, [2, 4, 10, 3, *[9] * 11, 3], token_type_ids=types)
    assert ratings[1].score == pytest.approx(expected[0], abs=1e-5)
    assert ratings[2].score is None
    assert "instruction alone takes 52 of 16 tokens" in str(ratings[2].reason)


def test_a_model_without_a_reward_head_is_refused_for_its_scores_would_be_random(tmp_path):
    folder = make_model(tmp_path)
    with pytest.raises(ModelError, match=r"no score.weight: it is no reward model"):
        load(str(folder), index=0)


def test_a_decoder_without_a_chat_template_needs_one(tmp_path):
    folder = make_reward_model(tmp_path / "model", template=False)
    with pytest.raises(ModelError, match=r"name a Jinja file in options\.chat_template"):
        load(folder)
    template = tmp_path / "chat.jinja"
    template.write_text("{% for m in messages %}{{ m['content'] }}\n{% endfor %}")
    assert load(folder, chat_template=str(template)).rate(QUESTIONS[:1])[0].score is not None


def test_a_folder_that_is_no_model_is_refused_in_one_line(tmp_path):
    with pytest.raises(ModelError, match="no reward model could be loaded") as problem:
        load(str(tmp_path))
    assert "\n" not in str(problem.value)


def test_no_questions_are_no_batch(tmp_path):
    assert load(make_reward_model(tmp_path)).rate([]) == []


def test_the_fingerprint_follows_the_weights(tmp_path):
    first = OutsideJudgeSettings(name="a", kind="reward_model", model=make_reward_model(tmp_path / "a"))
    other = OutsideJudgeSettings(name="b", kind="reward_model", model=make_reward_model(tmp_path / "b", outputs=2))
    assert content_of(first) == content_of(first) != content_of(other)
