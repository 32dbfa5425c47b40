"""Ways to sample that have a name. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from app.words.catalogue import Message, message


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
