"""Settings of the quality filters of `collect`: each is off until it is turned on, and tuned by its own fields."""

from dataclasses import dataclass, field
from typing import Literal

from selfj.setting_fields import ADDED, added

TextField = Literal["instruction", "reference"]


@dataclass
class FilterSwitch:
    """What all filters share."""

    enabled: bool = added(False)
    """Whether the filter is used."""
    except_categories: list[str] = field(default_factory=list, metadata=ADDED)
    """Categories that it leaves alone."""


@dataclass
class CharacterFilter(FilterSwitch):
    """Length in characters; `collect.min_words` and `max_words` bound the words."""

    min_instruction: int = added(8)
    """Shorter instructions are rejected."""
    max_instruction: int = added(20_000)
    """Longer instructions are rejected."""
    min_reference: int = added(1)
    """Rows with a shorter reference are rejected."""
    max_reference: int = added(20_000)
    """Rows with a longer reference are rejected."""


@dataclass
class LanguageFilter(FilterSwitch):
    """Language of the instruction, by py3langid: a short or mixed text tells little, so the bar is low."""

    languages: list[str] = field(default_factory=lambda: ["en"], metadata=ADDED)
    """ISO 639-1 codes of the languages to keep."""
    min_share: float = added(0.01)
    """Rows whose text has less than this probability of being in one of them are rejected."""
    min_characters: int = added(40)
    """Shorter texts are kept unseen."""
    fields: list[TextField] = field(default_factory=lambda: ["instruction"], metadata=ADDED)
    """Texts that are looked at."""
    except_categories: list[str] = field(default_factory=lambda: ["coding"], metadata=ADDED)
    """Categories that it leaves alone."""


@dataclass
class RepetitionFilter(FilterSwitch):
    """Texts that say the same again and again (as in Gopher's rules, Rae et al. 2021, table A1)."""

    max_line_share: float = added(0.5)
    """Most of the lines that may repeat an earlier one, as a share of all; of texts with at least ten lines."""
    ngram: int = added(4)
    """Words of an n-gram."""
    max_ngram_share: float = added(0.5)
    """Most of the n-grams that may repeat an earlier one, as a share of all."""
    min_words: int = added(50)
    """N-grams of shorter texts are not counted."""
    max_run: int = added(30)
    """Longest run of one letter, digit, `!` or `?`."""
    fields: list[TextField] = field(default_factory=lambda: ["instruction", "reference"], metadata=ADDED)
    """Texts that are looked at."""
    except_categories: list[str] = field(default_factory=lambda: ["coding"], metadata=ADDED)
    """Categories that it leaves alone."""


@dataclass
class MarkupFilter(FilterSwitch):
    """Leftovers of markup and templates: HTML tags and entities, chat markers, `{{…}}`; not in texts that are about markup."""

    fields: list[TextField] = field(default_factory=lambda: ["instruction", "reference"], metadata=ADDED)
    """Texts that are looked at."""
    except_categories: list[str] = field(default_factory=lambda: ["coding"], metadata=ADDED)
    """Categories that it leaves alone."""


@dataclass
class ContextFilter(FilterSwitch):
    """Instructions that refer to what is not there: "the above passage", "the following text" with nothing after it."""

    max_words: int = added(60)
    """Longer instructions are kept: they may hold what they refer to."""


@dataclass
class PlaceholderFilter(FilterSwitch):
    """Texts that were never filled in: `[your name]`, `<insert …>`; in references also lorem ipsum."""

    fields: list[TextField] = field(default_factory=lambda: ["instruction"], metadata=ADDED)
    """Texts that are looked at; in references of letters and forms placeholders are often meant."""
    except_categories: list[str] = field(default_factory=lambda: ["coding"], metadata=ADDED)
    """Categories that it leaves alone: programs print `Hello, [name]!`."""


@dataclass
class PersonalFilter(FilterSwitch):
    """Data that should not be learnt: e-mail addresses, telephone numbers, keys and passwords."""

    emails: bool = added(True)
    """E-mail addresses, but those of example.com and the like."""
    phones: bool = added(True)
    """Telephone numbers of ten to fifteen digits, written as such; not the fictitious 555 ones."""
    keys: bool = added(True)
    """Private keys, and access keys of well-known services."""
    fields: list[TextField] = field(default_factory=lambda: ["instruction", "reference"], metadata=ADDED)
    """Texts that are looked at."""


@dataclass
class ReferenceFilter(FilterSwitch):
    """References that are none: refusals, `N/A`, punctuation alone."""


@dataclass
class EchoFilter(FilterSwitch):
    """References that only repeat the instruction."""


@dataclass
class FilterSettings:
    """The quality filters, in the order in which they are asked."""

    characters: CharacterFilter = field(default_factory=CharacterFilter, metadata=ADDED)
    """Length in characters."""
    reference: ReferenceFilter = field(default_factory=ReferenceFilter, metadata=ADDED)
    """Refused or empty references."""
    echo: EchoFilter = field(default_factory=EchoFilter, metadata=ADDED)
    """Instruction = reference."""
    placeholders: PlaceholderFilter = field(default_factory=PlaceholderFilter, metadata=ADDED)
    """`[your name]`."""
    context: ContextFilter = field(default_factory=ContextFilter, metadata=ADDED)
    """Questions about what is not there."""
    markup: MarkupFilter = field(default_factory=MarkupFilter, metadata=ADDED)
    """Leftovers of markup and templates."""
    personal: PersonalFilter = field(default_factory=PersonalFilter, metadata=ADDED)
    """E-mail addresses, telephone numbers, keys."""
    repetition: RepetitionFilter = field(default_factory=RepetitionFilter, metadata=ADDED)
    """Texts that repeat themselves."""
    language: LanguageFilter = field(default_factory=LanguageFilter, metadata=ADDED)
    """Languages to keep."""
