"""Data that should not be learnt. A reason names the kind and never the data."""

import re

from selfj.collect.quality.base import TextFilter
from selfj.filter_settings import PersonalFilter

_EMAIL = re.compile(r"\b([\w.+-]{1,64})@((?:[\w-]{1,63}\.)+[A-Za-z]{2,24})\b")
_NOBODY = re.compile(
    r"(?:your?|my|me|example|user|test|sample|name|e?mail|someone|somebody|sender|recipient|receiver|customer|client|foo|bar|abc|xyz"
    r"|alice|bob|(?:john|jane)[._]?(?:doe|smith)?|admin|info|support|sales|offers|contact|help|service|no-?reply)(?:[._-]?\w*address)?"
    r"(?:[._-]?(?:name|e?mail|gmail|user|account))*\d*",
    re.I,
)
"""Names before the @ that are invented, or a desk and no person."""
_INVENTED = re.compile(
    r"(?:^|\.)(?:example\d*|test|domain|e?mail|(?:your)?company|abc|xyz|website|sample|your\w*)\.\w+$"
    r"|\.(?:test|example|invalid|local)$",
    re.I,
)
"""Domains that stand for any domain."""
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?)?"
    r"(?:\(\d{2,4}\)[ .-]?\d{3}[ .-]\d{4}|\d{3}[ .-]\d{3}[ .-]\d{4}|\+\d{9,14})(?![\w-])"
)
_FICTITIOUS = re.compile(r"555|123456|4567890|987654|1234$|0000$|(\d)\1{4}")
"""Digits of telephone numbers that are nobody's."""
_KEYS = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b"
    r"|\bsk-(?:[a-z]+-)?[A-Za-z0-9_-]{32,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b|\bhf_[A-Za-z]{30,}\b|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
)


class PersonalData(TextFilter[PersonalFilter]):
    """Keep texts without e-mail addresses, telephone numbers and keys."""

    def problem(self, text: str) -> str | None:
        """The kind of data that is found first."""
        if self.settings.emails and "@" in text and has_email(text):
            return "personal data: e-mail address"
        if self.settings.phones and has_phone(text):
            return "personal data: telephone number"
        return "personal data: key" if self.settings.keys and _KEYS.search(text) else None


def has_email(text: str) -> bool:
    """Whether an e-mail address stands in the text, other than invented ones (john@example.com, you@gmail.com) and desks."""
    return any(not _INVENTED.search(domain) and not _NOBODY.fullmatch(name) for name, domain in _EMAIL.findall(text))


def has_phone(text: str) -> bool:
    """Whether a telephone number stands in the text, other than fictitious ones (555-0123, 123-456-7890)."""
    return any(not _FICTITIOUS.search(re.sub(r"\D", "", found.group())) for found in _PHONE.finditer(text))
