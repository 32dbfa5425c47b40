"""How quick phones were on record, where nothing newer was measured of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.identifiers import Serial

NOTICED_FROM: Final = 1.25
"""Less than that is what one measurement is off by from the next."""


def slower_than_others(recorded: Mapping[Serial, float]) -> dict[Serial, float]:
    """Return how many times slower phones are than the least slow of them, where that is much.

    `recorded` is how many times longer each took than its profile says. What all took longer is
    what profiles are off by, and says nothing of a phone.
    """
    common = min(recorded.values(), default=1.0)
    apart = {serial: factor / common for serial, factor in recorded.items()}
    return {serial: factor for serial, factor in apart.items() if factor >= NOTICED_FROM}
