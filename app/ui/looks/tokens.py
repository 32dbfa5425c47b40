"""Semantic colours of each theme, and the phones' colours. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

_BLENDS_KEPT: Final = 1024
"""A wall of phones asks for the same colours many times a second."""


@dataclass(frozen=True)
class Tokens:
    """What a colour is for; values are `#rrggbb`."""

    dark: bool
    surface: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    good: str
    warn: str
    bad: str
    slashed: str
    phones: tuple[str, ...]
    """By position in the rack, in Okabe-Ito order.

    On white yellow must be so dark that it comes near orange: there it goes late.
    """


DARK = Tokens(
    dark=True,
    surface="#14171c",
    raised="#1c2128",
    line="#323943",
    text="#e6e9ee",
    muted="#9aa4b2",
    accent="#6cb6ff",
    good="#57c27a",
    warn="#e3a53a",
    bad="#ff6b6b",
    slashed="#d58bff",
    phones=(
        "#e69f00",
        "#56b4e9",
        "#00a97c",
        "#f0e442",
        "#3d8fd1",
        "#e0702a",
        "#cc79a7",
        "#b8bec7",
    ),
)

LIGHT = Tokens(
    dark=False,
    surface="#f7f8fa",
    raised="#ffffff",
    line="#d4d9e0",
    text="#1b1f24",
    muted="#57606a",
    accent="#0a5cc4",
    good="#18794e",
    warn="#8a5a00",
    bad="#c62828",
    slashed="#7b2fbf",
    phones=(
        "#b37700",
        "#2c86bd",
        "#008562",
        "#ad5286",
        "#005f99",
        "#c04f00",
        "#7e7300",
        "#4a5058",
    ),
)

CONTRAST = replace(
    DARK,
    surface="#000000",
    raised="#000000",
    line="#a8b0ba",
    text="#ffffff",
    muted="#d6dce4",
    accent="#8ecbff",
    good="#7be495",
    warn="#ffc857",
    bad="#ff9a9a",
    slashed="#e5b8ff",
)
"""Seven to one for words (WCAG 2, AAA), lines that can be seen; phones keep their colours."""

THEMES: Final[Mapping[str, Tokens]] = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST}
"""By the name that is kept in the settings."""


def phone_colour(tokens: Tokens, position: int) -> str:
    """Return the colour of the phone at a 1-based position; later rounds lean towards the text."""
    lap, index = divmod(position - 1, len(tokens.phones))
    return blend(tokens.phones[index], tokens.text, min(0.25 * lap, 0.75))


@lru_cache(_BLENDS_KEPT)
def blend(colour: str, other: str, share: float) -> str:
    """Return `colour` mixed with the given share (0 to 1) of `other`."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def contrast(colour: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((_luminance(colour), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(_BLENDS_KEPT)
def ink_on(colour: str) -> str:
    """Return near-black or white, whichever reads better on the colour."""
    return max("#101216", "#ffffff", key=lambda ink: contrast(ink, colour))


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
