"""A QR code as text: two modules above each other are one character."""

from __future__ import annotations

import segno
from rich.console import Console
from rich.text import Text

BLACK_ON_WHITE = "#000000 on #ffffff"
_GLYPHS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def qr_lines(text: str) -> list[str]:
    """Return the drawing, the quiet zone of ISO/IEC 18004 included; dark modules are glyphs."""
    code = segno.make(text, micro=False, error="m")
    rows = [[bool(module) for module in row] for row in code.matrix_iter()]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(map(_glyph, upper, lower)) for upper, lower in pairs]


def draw_qr(console: Console, text: str) -> None:
    """Print a QR code, black on white whatever the terminal's own colours."""
    for line in qr_lines(text):
        console.print(Text(line, style=BLACK_ON_WHITE), soft_wrap=True)


def _glyph(upper: bool, lower: bool) -> str:  # noqa: FBT001 - two modules, nothing to name
    return _GLYPHS[upper, lower]
