"""One document out of index.html and the files it names, and the Content-Security-Policy that lets nothing else run.

Everything is inline and allowed by its hash. So the page is whole in any response, a 401 too, from which browsers
would load no script.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_STYLE = re.compile(r'<link rel="stylesheet" href="([\w.-]+)">')
_SCRIPT = re.compile(r'<script src="([\w.-]+)"></script>')


@dataclass(frozen=True)
class Document:
    """A page as it is sent."""

    html: str
    policy: str
    """Value of the header Content-Security-Policy."""


@cache
def page_document() -> Document:
    """The page; read once."""
    return assemble(lambda name: (files(__package__) / name).read_text(encoding="utf-8"))


def assemble(read: Callable[[str], str]) -> Document:
    """Put the files that index.html links to in their places. `read`: the text of a file by its name.

    Raises ValueError for a file that would end its own element.
    """
    html = read("index.html")
    texts = {kind: [read(name) for name in pattern.findall(html)] for kind, pattern in _KINDS.items()}
    for kind, pattern in _KINDS.items():
        inline = iter([_element(kind, text) for text in texts[kind]])
        html = pattern.sub(lambda _, elements=inline: next(elements), html)  # type: ignore[misc]
    return Document(html, _policy(texts))


_OTHERS = (
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""The last two: no text becomes markup, whatever a script does (innerHTML fails)."""
_KINDS = {"style": _STYLE, "script": _SCRIPT}


def _element(kind: str, text: str) -> str:
    if f"</{kind}" in text.lower():
        raise ValueError(f"the page's {kind} has the text </{kind}, which would end it")
    return f"<{kind}>{text}</{kind}>"


def _policy(texts: dict[str, list[str]]) -> str:
    sources = [f"{kind}-src {' '.join(map(_source, found))}" for kind, found in texts.items()]
    return "; ".join(["default-src 'none'", *sources, *_OTHERS])


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
