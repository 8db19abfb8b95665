"""How long texts are, in tokens and characters: measured on the sources' first rows where they can be read, else assumed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from selfj.config import Settings
from selfj.prompts import RATING_PROMPTS, PromptEncoder

CHARACTERS_PER_TOKEN = 4.0
TEMPLATE_TOKENS = 20
"""Tokens that a chat template puts around a turn, where the model's own template is not here."""
ASSUMED_INSTRUCTION = 300
ASSUMED_REFERENCE = 500
"""Characters, where no row can be read (about the means of the four public sets used in development)."""


@dataclass(frozen=True)
class Text:
    """Instruction and reference of one row."""

    instruction: str
    reference: str


@dataclass(frozen=True)
class Lengths:
    """Mean lengths of one run's texts."""

    answer_prompt: float
    """Tokens of the prompt that asks for an answer."""
    response: float
    """Tokens of an answer."""
    rating: float
    """Tokens of a rating prompt without reference, the response included."""
    rating_reference: float
    """Tokens of a rating prompt with reference, the response included."""
    characters: float
    """Of instruction and reference together."""
    response_characters: float
    embedded: float
    """Tokens of a response or a reference, as an embedding model reads it."""
    source: str
    """What was measured or assumed, in words."""


TokenCounter = Callable[[str], int]


def assumed_texts() -> list[Text]:
    """One row of the assumed lengths."""
    return [Text("x" * ASSUMED_INSTRUCTION, "x" * ASSUMED_REFERENCE)]


def measure(texts: Sequence[Text], settings: Settings, encoder: PromptEncoder | None) -> Lengths:
    """Mean lengths over some rows; the answers are taken to be as long as the references.

    `encoder`: of the policy, where its tokenizer is on this machine; else CHARACTERS_PER_TOKEN counts.
    """
    rows = list(texts) or assumed_texts()
    counts = [_counted(text, settings, encoder) for text in rows]
    answer_prompt, response, rating, rating_reference = (sum(column) / len(rows) for column in zip(*counts, strict=True))
    references = sum(len(text.reference) for text in rows) / len(rows)
    instructions = sum(len(text.instruction) for text in rows) / len(rows)
    return Lengths(
        answer_prompt=answer_prompt,
        response=response,
        rating=rating,
        rating_reference=rating_reference,
        characters=instructions + references,
        response_characters=references,
        embedded=references / CHARACTERS_PER_TOKEN,
        source=_source(len(texts), encoder is not None),
    )


def _counted(text: Text, settings: Settings, encoder: PromptEncoder | None) -> tuple[float, float, float, float]:
    """Tokens of the answer prompt, the answer, and the rating prompts without and with reference."""
    count = _counter(encoder)
    response = min(count(text.reference) + 1, settings.sample.max_tokens)
    if encoder is not None:
        plain = count(encoder.rating_text(text.instruction, ""))
        shown = count(encoder.rating_text(text.instruction, "", text.reference))
        return len(encoder.answer_ids(text.instruction)), response, plain + response, shown + response
    rubric = RATING_PROMPTS[settings.prompts]
    plain = count(rubric.before_response(text.instruction, None) + rubric.tail) + TEMPLATE_TOKENS
    shown = count(rubric.before_response(text.instruction, text.reference) + rubric.tail) + TEMPLATE_TOKENS
    prompt = count(settings.policy.system_prompt + text.instruction) + TEMPLATE_TOKENS
    return prompt, response, plain + response, shown + response


def _counter(encoder: PromptEncoder | None) -> TokenCounter:
    if encoder is None:
        return lambda text: round(len(text) / CHARACTERS_PER_TOKEN)
    tokenizer = encoder.tokenizer
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False))


def _source(rows: int, exact: bool) -> str:
    how = "with the policy's tokenizer" if exact else f"at {CHARACTERS_PER_TOKEN:g} characters a token"
    if rows:
        return f"token counts: first {rows:,} rows of the sources, {how}; answers as long as the references"
    return (
        f"token counts: no source can be read here, so instructions of {ASSUMED_INSTRUCTION} and references of "
        f"{ASSUMED_REFERENCE} characters, {how}; answers as long as the references"
    )
