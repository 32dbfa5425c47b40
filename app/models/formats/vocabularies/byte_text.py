"""Bytes as the letters that byte-level vocabularies write for them (Radford et al. 2019)."""

from __future__ import annotations

from typing import Final

_PLAIN: Final = (*range(33, 127), *range(161, 173), *range(174, 256))
_OTHERS: Final = tuple(byte for byte in range(256) if byte not in _PLAIN)
_LETTERS: Final = {byte: chr(byte) for byte in _PLAIN} | {
    byte: chr(256 + index) for index, byte in enumerate(_OTHERS)
}


LONGEST_TOKEN: Final = 1024
"""Bytes or characters; every place to cut one in two is tried, which takes their square."""


def byte_text(content: bytes) -> str:
    """Return a letter for each byte: itself where it shows, else one from 256 on."""
    return "".join(map(_LETTERS.__getitem__, content))
