"""Whether layers may move by themselves while text flows."""

from __future__ import annotations

from enum import StrEnum


class Balancing(StrEnum):
    """What happens where another assignment has become clearly better than the one applied."""

    OFF = "off"
    ASK = "ask"
    """It becomes the requested one, and a person applies it."""
    ON = "on"
