"""Quality filters: what each rejects, and what looks like it and is kept."""

import dataclasses

import pytest

from selfj.collect.filters import filters
from selfj.collect.quality.base import TextFilter
from selfj.collect.quality.characters import CharacterBounds
from selfj.collect.quality.chosen import KINDS, chosen_filters
from selfj.collect.quality.context import MissingContext
from selfj.collect.quality.language import LanguageShare
from selfj.collect.quality.markup import MarkupLeftovers
from selfj.collect.quality.personal import PersonalData
from selfj.collect.quality.placeholders import Placeholders
from selfj.collect.quality.references import Echo, RefusedReference
from selfj.collect.quality.repetition import Repetition, repeated_share
from selfj.collect.summary import kind_of
from selfj.collect_settings import CollectSettings
from selfj.config import as_dict
from selfj.filter_settings import (
    CharacterFilter,
    ContextFilter,
    EchoFilter,
    FilterSettings,
    LanguageFilter,
    MarkupFilter,
    PersonalFilter,
    PlaceholderFilter,
    ReferenceFilter,
    RepetitionFilter,
)
from selfj.records import Instruction

CONTEXT = MissingContext(ContextFilter(), "instruction")
MARKUP = MarkupLeftovers(MarkupFilter(), "reference")
PLACEHOLDERS = Placeholders(PlaceholderFilter(), "instruction")
FILLED_IN = Placeholders(PlaceholderFilter(), "reference")
ASKED = MarkupLeftovers(MarkupFilter(), "instruction")
PERSONAL = PersonalData(PersonalFilter(), "reference")
REFUSED = RefusedReference(ReferenceFilter(), "reference")
REPETITION = Repetition(RepetitionFilter(), "reference")
LANGUAGE = LanguageShare(LanguageFilter(), "instruction")


def row(instruction: str, reference: str = "x", category: str = "common") -> Instruction:
    return Instruction("0", instruction, reference, category, None, "test", 0, "train", "{}")


@pytest.mark.parametrize(
    ("rule", "text", "reason"),
    [
        (CONTEXT, "Summarize the above passage.", "missing context: 'the above passage'"),
        (CONTEXT, "What does the passage above say about trade?", "missing context: 'passage above'"),
        (CONTEXT, "Classify the following text.", "missing context: 'the following text'"),
        (CONTEXT, "Rewrite the given sentence in passive voice.", "missing context: 'the given sentence'"),
        (CONTEXT, "Describe what is happening in this picture", "missing context: 'in this picture'"),
        (CONTEXT, "Read the attached document and list its claims", "missing context: 'the attached document'"),
        (MARKUP, "First line.<br>Second line.", "markup: HTML tag <br>"),
        (MARKUP, "Tom &amp; Jerry", "markup: HTML entity &amp;"),
        (MARKUP, "Hello {{ user.name }}, welcome", "markup: template {{ user.name }}"),
        (MARKUP, "<|im_start|>user", "markup: chat marker <|im_start|>"),
        (MARKUP, "x\n### Response:\ny", "markup: chat marker ### Response:"),
        (MARKUP, "What a day. [deleted]", "markup: removed text [deleted]"),
        (PLACEHOLDERS, "Write a letter to [Name] about rent", "placeholder: [Name]"),
        (PLACEHOLDERS, "Describe [insert product here] in a line", "placeholder: [insert product here]"),
        (FILLED_IN, "Lorem ipsum dolor sit amet", "placeholder: Lorem ipsum"),
        (PLACEHOLDERS, "Write to [the company] about rent", "placeholder: [the company]"),
        (MARKUP, "It is called geodata.[citation needed]", "markup: removed text [citation needed]"),
        (PERSONAL, "Write to emma.watson@gmail.com", "personal data: e-mail address"),
        (REFUSED, "?!", "empty reference: '?!' says nothing"),
        (PERSONAL, "Write to anna.meier@posteo.de for more", "personal data: e-mail address"),
        (PERSONAL, "Call (212) 736-5000 today", "personal data: telephone number"),
        (PERSONAL, "Call +4915112345987 today", "personal data: telephone number"),
        (PERSONAL, "My key is AKIAIOSFODNN7EXAMPLE.", "personal data: key"),
        (PERSONAL, "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "personal data: key"),
        (REFUSED, "I'm sorry, but I can't help with that.", "refused reference: \"i'm sorry, but i can't\""),
        (REFUSED, "As an AI language model, I have no opinion.", "refused reference: 'as an ai language model'"),
        (REFUSED, "N/A", "empty reference: 'n/a' says nothing"),
        (REFUSED, "<nooutput>", "empty reference: '<nooutput>' says nothing"),
        (REFUSED, "...", "empty reference: '...' says nothing"),
        (REPETITION, "Why" + "!" * 40, "repetition: 40 times '!'"),
        (REPETITION, "\n".join(["the same line"] * 12), "repetition: 92% of the lines"),
        (REPETITION, "and then we go home " * 20, "repetition: 95% of the 4-grams"),
        (LANGUAGE, "Wie heißt die Hauptstadt von Frankreich und wie viele Menschen leben dort?", "language: de rather than en"),
        (LANGUAGE, "¿Cuál es la capital de Francia y cuántas personas viven en ella?", "language: es rather than en"),
    ],
)
def test_what_is_wrong_is_the_reason(rule: TextFilter[FilterSettings], text: str, reason: str) -> None:  # type: ignore[type-var]
    assert rule.problem(text) == reason


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (CONTEXT, "Classify the following text.\n\nThe weather is nice."),
        (CONTEXT, "Edit the following sentence: He go home."),
        (CONTEXT, 'Given the sentence "He go home", correct it.'),
        (CONTEXT, "Write a story in the style of the previous century."),
        (CONTEXT, "Draw a picture of a horse with words."),
        (MARKUP, "Use the HTML tag <br> to break a line."),
        (MARKUP, "if a < b and b > c then a is first"),
        (MARKUP, "[1] see the list"),
        (CONTEXT, "Reverse a linked list in Python."),
        (CONTEXT, "Compose a story that follows the hero's journey."),
        (CONTEXT, "Describe the enclosed space of a cathedral."),
        (CONTEXT, "Classify the given tweet as spam or not spam.\n\nTired of your job? Click here!"),
        (PLACEHOLDERS, "List them in the format {Name}-{River}"),
        (PERSONAL, "Call (123) 456-7890 or mail jane@example2.com"),
        (PLACEHOLDERS, "Sort the list [name, age] in Python"),
        (PLACEHOLDERS, "What does [1, 2] hold?"),
        (PERSONAL, "Write to john.smith@example.com or info@yourcompany.com"),
        (PERSONAL, "Call 555-123-4567 or 123-456-7890"),
        (PERSONAL, "The number 31415926535 and the range 1990-2020"),
        (REFUSED, "I'm sorry for your loss."),
        (REFUSED, "The model cannot fly, as an airplane can."),
        (REFUSED, "4"),
        (REFUSED, ":-)"),
        (REFUSED, "🙂"),
        (PLACEHOLDERS, "Count the vowels.\n\nLorem ipsum dolor sit amet"),
        (PLACEHOLDERS, 'Is "[The book] is interesting" an opinion?'),
        (ASKED, "Who is meant?\n\nHe was named first.[citation needed] In 2003 he left."),
        (PERSONAL, "server.login('you@gmail.com', 'your-password')"),
        (PERSONAL, "my_gmail_address@gmail.com, bob@gmail.com, example@gmail.com, offers@amazon.com"),
        (PERSONAL, "INSERT INTO customer VALUES ('Sara', '143-456-7890')"),
        (REPETITION, "<table>\n" + "<tr>\n<td>Row</td>\n</tr>\n" * 12 + "</table>"),
        (LANGUAGE, 'Provide a translation of this sentence: "El tren llegó a la estación."'),
        (REFUSED, "None of them is a prime."),
        (REPETITION, "a b c d " * 5),
        (REPETITION, "-" * 80 + "\n| a | b |"),
        (LANGUAGE, "What is the capital of France, and how many people live there?"),
        (LANGUAGE, "Ja."),
        (LANGUAGE, 'Translate the German sentence "Sie hat das gemacht." into English.'),
        (LANGUAGE, "Recognize the language in the text below.\n\n作为一个曾经的英文老师"),
    ],
)
def test_what_only_looks_like_it_is_kept(rule: TextFilter[FilterSettings], text: str) -> None:  # type: ignore[type-var]
    assert rule.problem(text) is None


def test_a_long_instruction_may_hold_what_it_refers_to() -> None:
    text = " ".join(["word"] * 58) + " Summarize the above text."
    assert CONTEXT.problem(text) is None and CONTEXT.problem(" ".join(text.split()[45:]))


def test_a_reference_that_repeats_the_instruction_says_nothing() -> None:
    rule = Echo(EchoFilter())
    assert rule.reason_to_reject(row("What is it?", "what  is it")) == "reference repeats the instruction"
    assert rule.reason_to_reject(row("What is it?", "What is it? A horse.")) is None


def test_characters_are_counted_for_each_text_with_its_own_bounds() -> None:
    settings = CharacterFilter(min_instruction=5, max_instruction=8, min_reference=2, max_reference=3)
    bounds = [CharacterBounds(settings, "instruction"), CharacterBounds(settings, "reference")]
    reasons = [[rule.reason_to_reject(row(text, text)) for rule in bounds] for text in ("a", " abcde ", "abcdefghi")]
    assert reasons == [
        ["too few characters: 1", "too few characters: 1"],
        [None, "too many characters: 5"],
        ["too many characters: 9", "too many characters: 9"],
    ]


def test_the_share_that_repeats_counts_every_occurrence_but_the_first() -> None:
    assert repeated_share(["a", "b", "a", "a"]) == 0.5 and repeated_share([]) == 0


def test_kinds_of_personal_data_are_turned_off_one_by_one() -> None:
    texts = {"emails": "a@posteo.de", "phones": "(212) 736-5000", "keys": "AKIAIOSFODNN7EXAMPLE"}
    for kind, text in texts.items():
        assert PERSONAL.problem(text)
        assert PersonalData(dataclasses.replace(PersonalFilter(), **{kind: False}), "reference").problem(text) is None


def test_all_filters_are_off_until_turned_on_and_each_has_its_kinds() -> None:
    assert chosen_filters(FilterSettings()) == []
    assert len(filters(CollectSettings(), 100)) == 3
    assert list(KINDS) == [item.name for item in dataclasses.fields(FilterSettings)]
    for name in KINDS:
        chosen = FilterSettings()
        getattr(chosen, name).enabled = True
        assert chosen_filters(chosen), name


def test_a_filter_that_is_on_looks_at_the_texts_and_leaves_the_categories_that_it_should() -> None:
    chosen = FilterSettings(markup=MarkupFilter(enabled=True, fields=["reference"], except_categories=["coding"]))
    (rule,) = chosen_filters(chosen)
    assert rule.field == "reference" and kind_of(rule.reason_to_reject(row("a", "b<br>c")) or "") in KINDS["markup"]
    assert rule.reason_to_reject(row("a<br>b", "c")) is None
    assert rule.reason_to_reject(row("Make it bold in HTML", "b<br>c")) is None
    assert rule.reason_to_reject(row("a", "b<br>c", "coding")) is None


def test_settings_that_older_runs_did_not_have_are_no_part_of_their_fingerprint() -> None:
    old = {
        *("sources", "min_words", "max_words", "max_reference_words", "max_line_megabytes", "default_category"),
        *("test_fraction", "calibration_fraction", "max_instructions", "rows_per_part"),
    }
    assert set(as_dict(CollectSettings(), resources=False)) == old
    on = CollectSettings(filters=FilterSettings(echo=EchoFilter(enabled=True)))
    assert as_dict(on, resources=False)["filters"] == {"echo": {"enabled": True}}
