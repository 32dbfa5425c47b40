"""Ways to sample that have a name: those that come along, and a person's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, assert_never

from app.core.errors import BadInputError
from app.ui.playground.conversations.kept_values import list_in, text_in, whole_number
from app.ui.settings import Settings
from app.words.catalogue import Message, message

MOST_TOKENS: Final = 4096
MOST_TEMPERATURE: Final = 2.0
LEAST_TOP_P: Final = 0.05
MOST_OWN: Final = 40
LONGEST_NAME: Final = 40
MOST_STOP_LETTERS: Final = 2000
_KEPT: Final = "presets"


@dataclass(frozen=True)
class Taste:
    """Temperature and top-p."""

    temperature: float
    top_p: float


class SamplingPreset(Enum):
    """The ways there are."""

    LIKELIEST = Taste(0.0, 1.0)
    CAREFUL = Taste(0.3, 0.9)
    BALANCED = Taste(0.7, 0.9)
    INVENTIVE = Taste(1.0, 0.95)


def preset_word(preset: SamplingPreset) -> Message:
    """Return the key of what a way is called."""
    match preset:
        case SamplingPreset.LIKELIEST:
            return message("Likeliest")
        case SamplingPreset.CAREFUL:
            return message("Careful")
        case SamplingPreset.BALANCED:
            return message("Balanced")
        case SamplingPreset.INVENTIVE:
            return message("Inventive")
        case _:
            assert_never(preset)


@dataclass(frozen=True)
class OwnPreset:
    """What a person set and gave a name."""

    name: str
    taste: Taste
    tokens: int
    stop: str
    """Where the text ends, one a line, as it is typed."""


class OwnPresets:
    """Kept between runs, in the order of their names; anything odd in the file is left out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        held = settings.kept(_KEPT)
        read = [_read(name, record) for name, record in list(held.items())[:MOST_OWN]]
        self._all = {preset.name: preset for preset in read if preset is not None}

    @property
    def all(self) -> Sequence[OwnPreset]:
        """Those there are."""
        return sorted(self._all.values(), key=lambda each: each.name.casefold())

    def save(self, preset: OwnPreset) -> OwnPreset:
        """Keep one in place of another of its name; returns it with the name it is kept by.

        Raises `BadInputError` where the name is empty, stops are too long or there are too many.
        """
        named = replace(preset, name=_tidy(preset.name))
        if len(preset.stop) > MOST_STOP_LETTERS:
            raise BadInputError("preset.stops_too_long", most=MOST_STOP_LETTERS)
        if named.name not in self._all and len(self._all) >= MOST_OWN:
            raise BadInputError("preset.too_many", most=MOST_OWN)
        self._all[named.name] = named
        self._keep()
        return named

    def rename(self, preset: OwnPreset, name: str) -> OwnPreset:
        """Give one another name. Raises `BadInputError` where it is empty or another's."""
        renamed = replace(preset, name=_tidy(name))
        if renamed.name != preset.name and renamed.name in self._all:
            raise BadInputError("preset.name_taken", name=renamed.name)
        self._all.pop(preset.name, None)
        return self.save(renamed)

    def delete(self, preset: OwnPreset) -> None:
        """Keep one no longer."""
        self._all.pop(preset.name, None)
        self._keep()

    def _keep(self) -> None:
        self._settings.keep(_KEPT, {each.name: _record(each) for each in self.all})


def _tidy(name: str) -> str:
    tidy = " ".join(name.split())[:LONGEST_NAME].strip()
    if not tidy or not tidy.isprintable():
        raise BadInputError("preset.no_name")
    return tidy


def _record(preset: OwnPreset) -> dict[str, Any]:
    return {
        "temperature": preset.taste.temperature,
        "top_p": preset.taste.top_p,
        "tokens": preset.tokens,
        "stop": preset.stop.split("\n"),
    }


def _read(name: str, record: object) -> OwnPreset | None:
    if not isinstance(record, Mapping):
        return None
    try:
        taste = Taste(
            _between(record["temperature"], 0.0, MOST_TEMPERATURE),
            _between(record["top_p"], LEAST_TOP_P, 1.0),
        )
        tokens = whole_number(record["tokens"], MOST_TOKENS)
        lines = [text_in({"line": line}, "line") for line in list_in(record, "stop")]
        stop = "\n".join(lines)
        if tokens < 1 or len(stop) > MOST_STOP_LETTERS or _tidy(name) != name:
            return None
    except (BadInputError, KeyError, TypeError, ValueError):
        return None
    return OwnPreset(name, taste, tokens, stop)


def _between(value: object, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most:  # type: ignore[operator]
        raise ValueError
    return round(float(value), 2)  # type: ignore[arg-type]
