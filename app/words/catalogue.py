"""The words in force: gettext catalogues by language, English where there is no other.

What the code says in English is the key (GNU gettext manual, 4.3); `make translations` gathers the
keys. Those that stand where they cannot be said yet are marked with `message`.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final, NewType

from app.core.assets import ASSETS

DOMAIN: Final = "shardloom"
FOLDER: Final = ASSETS / "translations"
ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {ENGLISH: "English", "ja": "日本語"}
"""By its code, each language's name for itself."""
_VARIABLES: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""Where the system says its language, the first that is set counts."""

Message = NewType("Message", str)
"""A key of the catalogues, to be said by `tr`."""


class _Spoken:
    """The one language in force; it is replaced as a whole, so that any thread may read it."""

    language = ENGLISH
    words: gettext.NullTranslations = gettext.NullTranslations()


def use_language(language: str) -> None:
    """Say everything in that language from now on; one that is not there counts as English."""
    known = language if language in LANGUAGES else ENGLISH
    _Spoken.words = translations(known)
    _Spoken.language = known


def language_used() -> str:
    """Return the code of the language in force."""
    return _Spoken.language


def language_of(environment: Mapping[str, str]) -> str:
    """Return the language that the system asks for, English where it is none of those there are.

    `LANGUAGE` may name several with colons between, the best first.
    """
    asked = next((environment[name] for name in _VARIABLES if environment.get(name)), "")
    codes = (each.partition(".")[0].partition("_")[0].lower() for each in asked.split(":"))
    return next((code for code in codes if code in LANGUAGES), ENGLISH)


def message(words: str) -> Message:
    """Mark words for translation where they are kept and said later."""
    return Message(words)


def tr(words: str) -> str:
    """Return the words in the language in force."""
    return _Spoken.words.gettext(words) if words else ""


def ntr(one: str, many: str, count: int) -> str:
    """Return the words for so many, in the plural form that the language in force has for it."""
    return _Spoken.words.ngettext(one, many, count)


@lru_cache
def translations(language: str, folder: Path = FOLDER) -> gettext.NullTranslations:
    """Return a language's catalogue; English needs none."""
    return gettext.translation(DOMAIN, folder, [language], fallback=True)
