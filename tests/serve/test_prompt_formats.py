from pathlib import Path

import pytest
import trl
from jinja2.sandbox import ImmutableSandboxedEnvironment

from selfj.pocket.chat import CHAT_TEMPLATE
from selfj.serve.prompt_formats import Unsplit, split

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
QUESTION = [{"role": "user", "content": "What is 2 + 2?\nSay why."}]
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello!"},
    {"role": "user", "content": "Why?"},
]
TRANSCRIPT = "Be brief.\n\nUser: Hi\n\nAssistant: Hello!\n\nUser: Why?"
OTHERS = {
    "pocket": CHAT_TEMPLATE,
    "mistral": "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% else %} {{ m.content }}</s>{% endif %}{% endfor %}",
    "zephyr": "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}</s>\n{% endfor %}{{ '<|assistant|>\n' }}",
    "tulu": "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% if m.role == 'assistant' %}<|endoftext|>{% endif %}\n"
    "{% endfor %}{{ '<|assistant|>\n' }}",
}


def rendered(name, messages, **values):
    source = OTHERS.get(name) or (TEMPLATES / f"{name}.jinja").read_text()
    environment = ImmutableSandboxedEnvironment(trim_blocks=name not in OTHERS, lstrip_blocks=True)
    template = environment.from_string(source)
    return template.render(messages=messages, add_generation_prompt=True, **{"bos_token": "", "eos_token": "</s>", **values})


@pytest.mark.parametrize(
    ("name", "form", "begin", "end"),
    [
        ("qwen2_5", "chatml", "", "<|im_end|>"),
        ("qwen3", "chatml", "", "<|im_end|>\n"),
        ("lfm2", "chatml", "", "<|im_end|>"),
        ("nemotron_3_nano", "chatml", "", "<|im_end|>"),
        ("llama3", "llama3", "<|begin_of_text|>", "<|eot_id|>"),
        ("llama3_1", "llama3", "<|begin_of_text|>", "<|eot_id|>"),
        ("gemma", "gemma", "<bos>", "<end_of_turn>"),
        ("gemma3", "gemma", "<bos>", "<end_of_turn>\n"),
        ("gemma4", "gemma4", "<bos>", "<turn|>"),
        ("phi3", "phi", "", "<|end|>"),
        ("deepseekv3", "deepseek", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
        ("mistral", "mistral", "<s>", "</s>"),
        ("zephyr", "zephyr", "", "</s>"),
        ("tulu", "tulu", "", "<|endoftext|>"),
        ("pocket", "pocket", "", "<|end|>"),
    ],
)
def test_the_instruction_is_read_back_from_models_own_templates(name, form, begin, end):
    prompt = rendered(name, QUESTION, bos_token=begin)
    found = split(f"{prompt}Four: \n2 and 2.{end}", prompt)
    assert (found.instruction, found.response, found.format) == ("What is 2 + 2?\nSay why.", "Four: \n2 and 2.", form)


@pytest.mark.parametrize("thinking", [True, False])
def test_what_a_template_adds_for_a_reasoning_model_is_part_of_the_prompt(thinking):
    prompt = rendered("qwen3", QUESTION, enable_thinking=thinking)
    assert split(f"{prompt}4<|im_end|>", prompt).response == "4"


@pytest.mark.parametrize("name", ["qwen3", "llama3_1", "gemma4", "phi3", "deepseekv3", "zephyr", "tulu"])
def test_a_longer_conversation_becomes_the_transcript_that_chat_gives_the_judge(name):
    prompt = rendered(name, TALK)
    assert split(f"{prompt}Because.", prompt).instruction == TRANSCRIPT


def test_a_system_prompt_that_the_template_wrote_itself_is_no_part_of_the_instruction():
    prompt = rendered("qwen2_5", QUESTION)
    assert "You are Qwen" in prompt and split(f"{prompt}4", prompt).instruction == "What is 2 + 2?\nSay why."


@pytest.mark.parametrize("name", ["gptoss", "glm4moe", "cohere", "muse_glimmer"])
def test_a_template_that_is_not_known_is_not_guessed(name):
    prompt = rendered(name, QUESTION, strftime_now=lambda _: "2026-11-21")
    with pytest.raises(Unsplit, match="not known here"):
        split(f"{prompt}4", prompt)


@pytest.mark.parametrize(
    "prompt",
    ["USER: Why? ASSISTANT:", "### Instruction:\nWhy?\n\n### Response:\n", "[INST] <<SYS>>\nBe brief.\n<</SYS>>\nWhy? [/INST]"],
)
def test_templates_in_plain_words_are_not_taken_for_the_instruction(prompt):
    with pytest.raises(Unsplit, match="not known here"):
        split(f"{prompt} Because.", prompt)


def test_a_plain_prompt_is_the_instruction():
    found = split("Why is <s>the sky</s> blue?\nIt scatters.</s>", "Why is <s>the sky</s> blue?\n")
    assert (found.instruction, found.response, found.format) == ("Why is <s>the sky</s> blue?\n", "It scatters.", "plain")


def test_a_given_template_is_taken_away_from_the_prompt():
    found = split("Q: Why?\nA: Because. [END]", "Q: Why?\nA:", "Q: {}\nA:", end="[END]")
    assert (found.instruction, found.response, found.format) == ("Why?", " Because. ", "template")
    assert split("Answer: me", "Answer:", "{}").instruction == "Answer:"
    with pytest.raises(Unsplit, match="not in the template"):
        split("Why? Because.", "Why?", "Q: {}")


def test_an_answer_that_plays_further_turns_stays_one_answer():
    prompt = rendered("qwen3", QUESTION)
    played = "Bad.<|im_end|>\n<|im_start|>user\nWhat is 1 + 1?<|im_end|>\n<|im_start|>assistant\n2"
    found = split(f"{prompt}{played}<|im_end|>", prompt)
    assert (found.instruction, found.response) == ("What is 2 + 2?\nSay why.", played)


def test_a_question_that_writes_the_formats_tokens_is_not_split():
    prompt = "<|im_start|>user\nWhat does <|im_end|> mean?<|im_end|>\n<|im_start|>assistant\n"
    with pytest.raises(Unsplit):
        split(f"{prompt}An end.", prompt)


def test_blanks_that_a_tokenizer_writes_otherwise_and_its_first_token_do_not_matter():
    found = split("<s>  [INST]  Why ?  [/INST]  Because so.</s>", "[INST] Why? [/INST]")
    assert (found.instruction, found.response) == ("Why?", "Because so.")


@pytest.mark.parametrize("query", ["Because.", "<|user|>Who?<|assistant|>Me.", "<|user|>Why?", "hy?<|assistant|>Because."])
def test_a_query_that_does_not_begin_with_its_prompt_has_no_certain_answer(query):
    with pytest.raises(Unsplit, match="does not begin with its prompt"):
        split(query, "<|user|>Why?<|assistant|>")


@pytest.mark.parametrize("prompt", ["", " \n", "<|user|><|assistant|>"])
def test_a_prompt_without_an_instruction_is_not_split(prompt):
    with pytest.raises(Unsplit, match="no instruction"):
        split(f"{prompt}x", prompt)


def test_a_very_long_prompt_is_read_in_time():
    prompt = "<|im_start|>user\n" + "a <|im_ " * 25_000 + "<|im_end|>\n<|im_start|>assistant\n"
    assert len(split(f"{prompt}4", prompt).instruction) > 199_000


def test_the_runs_own_system_prompt_is_no_part_of_the_instruction():
    prompt = "<|im_start|>system\nYou add.<|im_end|>\n<|im_start|>user\n2 + 3<|im_end|>\n<|im_start|>assistant\n"
    assert split(f"{prompt}5", prompt, system_prompt="You add.").instruction == "2 + 3"
    assert split(f"{prompt}5", prompt).instruction == "You add.\n\n2 + 3"
