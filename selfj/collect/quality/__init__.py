"""Quality filters: small units that find one thing wrong with a text; which of them are used says `collect.filters`."""

from selfj.collect.quality.base import Filter, TextFilter
from selfj.collect.quality.chosen import chosen_filters

__all__ = ["Filter", "TextFilter", "chosen_filters"]
