"""What is said to models, in English whatever the window's language: they know it best."""

from __future__ import annotations

from typing import Final

TOOLS_OFFERED: Final = (
    "You can call these functions. To call one, answer with nothing but a JSON object"
    ' {"name": its name, "arguments": its arguments}.'
)
"""Stands before the functions' descriptions, a line of JSON each."""
