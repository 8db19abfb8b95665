"""Texts in requests: what JSON can say, and UTF-8 cannot, is refused."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from selfj.serve.settings import MOST_ENTRIES


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        message = "not Unicode: half of a surrogate pair at character {place}"
        raise PydanticCustomError("unicode", message, {"place": problem.start}) from None
    return text


UNICODE = AfterValidator(_encodable)
Text = Annotated[str, UNICODE]
"""A string that models and responses can carry."""


def _spoken(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "must not be blank")
    return text


Spoken = Annotated[Text, AfterValidator(_spoken)]
"""Text that is not blank."""
ModelName = Annotated[Text, Field(max_length=256)]
"""`NAME` or `NAME@PROMISE`."""

Entry = TypeVar("Entry")
Several = Annotated[list[Entry], Field(max_length=MOST_ENTRIES, fail_fast=True)]
"""A list of which the first wrong entry is told: an error for each of them would take more memory than any answer."""
