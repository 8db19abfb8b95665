"""Where the cards are written."""

from selfj.card.facts import facts_of
from selfj.card.markdown import markdown
from selfj.card.page import html
from selfj.config import Settings
from selfj.run import RunFolder

MARKDOWN = "card/card.md"
HTML = "card/index.html"


def write_cards(run: RunFolder, settings: Settings) -> dict[str, str]:
    """Write both cards of a finished collection into its run folder; their names there, and their texts.

    Raises RunFolderError if the collection is not finished.
    """
    facts = facts_of(run, settings)
    cards = {MARKDOWN: markdown(facts), HTML: html(facts)}
    for name, text in cards.items():
        run.store.write(name, text.encode())
    return cards
