from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication, QStyleOptionGraphicsItem

from app.core.identifiers import Serial
from app.ui.layer_map.drawing.bar_item import BAR_HEIGHT, BarContent, BarItem
from app.ui.looks.marks import Mark
from app.ui.looks.tokens import THEMES, Tokens, ink_on

WIDTH = 400
BLUE = "#56b4e9"


def painted(tokens: Tokens, filled: tuple[float, float]) -> QImage:
    words = "a phone whose name is as long as all of its bar, from end to end"
    content = BarContent(
        serial=Serial("A"), title=words, short_title="A", subtitle=words, below="", below_short="",
        explanation="", below_is_warning=False, blocked="", usable=True, colour=BLUE,
        filled=filled, mark=Mark.READY, fault=None, pinned=False, stale=False, carried=False,
    )  # fmt: skip
    image = QImage(WIDTH, int(BAR_HEIGHT), QImage.Format.Format_RGB32)
    painter = QPainter(image)
    BarItem(content, WIDTH, tokens, QFont()).paint(painter, QStyleOptionGraphicsItem())
    painter.end()
    return image


def colours(image: QImage, part: QRectF) -> set[str]:
    columns = range(int(part.left()), int(part.right()))
    rows = range(int(part.top()), int(part.bottom()))
    return {image.pixelColor(x, y).name() for x in columns for y in rows}


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_words_have_the_ink_of_their_ground_on_both_sides_of_a_filling(
    qapp: QApplication,  # noqa: ARG001 - fonts need it
    tokens: Tokens,
    share: float,
) -> None:
    image = painted(tokens, (0.0, share))
    edge = WIDTH * share
    held = colours(image, QRectF(12, 6, edge - 20, BAR_HEIGHT - 12))
    missing = colours(image, QRectF(edge + 8, 6, WIDTH - edge - 40, BAR_HEIGHT - 12))
    on_filling, on_ground = QColor(ink_on(BLUE)).name(), QColor(tokens.text).name()
    assert on_filling in held
    assert on_ground in missing
    if on_filling != on_ground:
        assert on_ground not in held
        assert on_filling not in missing
