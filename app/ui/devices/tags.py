"""What a person calls phones: a word or more for each, kept between runs. Qt-free but for the ini.

A tag has no spaces, so that it can be typed into the filter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from app.core.identifiers import Serial
from app.ui.settings import Settings

_NAME: Final = "tags"
MOST_TAGS: Final = 8
LONGEST_TAG: Final = 24


class Tags:
    """By serial, whichever rack a phone is in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tags: dict[str, tuple[str, ...]] = {
            serial: tags_in(words)
            for serial, words in settings.kept(_NAME).items()
            if isinstance(words, str)
        }

    def of(self, serial: Serial) -> Sequence[str]:
        """Return what a phone is called besides its name."""
        return self._tags.get(serial, ())

    def common(self, serials: Iterable[Serial]) -> str:
        """Return the tags that all of these have, as they are typed."""
        every = [set(self.of(serial)) for serial in serials]
        return " ".join(sorted(set.intersection(*every))) if every else ""

    def replace(self, serials: Sequence[Serial], words: str) -> None:
        """Give phones these tags in place of those that they have in common."""
        common = set(self.common(serials).split())
        for serial in serials:
            others = [tag for tag in self.of(serial) if tag not in common]
            self._tags[serial] = tags_in(" ".join((*others, words)))
        told = {serial: " ".join(tags) for serial, tags in self._tags.items() if tags}
        self._settings.keep(_NAME, told)


def tags_in(words: str) -> tuple[str, ...]:
    """Return the tags that were typed, each once, with spaces or commas between them."""
    typed = words.replace(",", " ").replace('"', " ").replace("'", " ").split()
    return tuple(dict.fromkeys(tag[:LONGEST_TAG].lower() for tag in typed))[:MOST_TAGS]
