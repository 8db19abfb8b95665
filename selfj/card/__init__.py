"""The data card of a collection: what it holds, where it comes from, what was rejected; as Markdown and as one HTML file."""

from selfj.card.write import HTML, MARKDOWN, write_cards

__all__ = ["HTML", "MARKDOWN", "write_cards"]
