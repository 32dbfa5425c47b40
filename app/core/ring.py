"""What every part agrees on about a ring of phones."""

from __future__ import annotations

from typing import Final

RUN_TOKENS: Final = 8
"""How many tokens a closed ring decodes before it waits for the host: so late are others let in."""
