"""What the quality filters share: one text of a row, and the reason to reject the row for it."""

from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from selfj.filter_settings import FilterSwitch, TextField
from selfj.records import Instruction

Chosen = TypeVar("Chosen", bound=FilterSwitch)


class Filter(Protocol):
    """One reason to reject an instruction."""

    field: str
    """What it looks at: a field of Instruction."""

    def reason_to_reject(self, row: Instruction) -> str | None:
        """Why the row is rejected (`kind: details`), or None to keep it."""


class TextFilter(ABC, Generic[Chosen]):
    """Looks at one text, the instruction (with its input) or the reference. A new one is a subclass with `problem`."""

    def __init__(self, settings: Chosen, field: TextField) -> None:
        self.settings = settings
        self.field: str = field

    def reason_to_reject(self, row: Instruction) -> str | None:
        """What is wrong with the text."""
        return self.problem(getattr(row, self.field))

    @abstractmethod
    def problem(self, text: str) -> str | None:
        """Why a row with this text is rejected (`kind: details`), or None."""


class Except:
    """A filter that leaves some categories alone."""

    def __init__(self, rule: Filter, categories: list[str]) -> None:
        self.rule = rule
        self.field = rule.field
        self.categories = frozenset(categories)

    def reason_to_reject(self, row: Instruction) -> str | None:
        """The filter's reason, outside these categories."""
        return None if row.category in self.categories else self.rule.reason_to_reject(row)
