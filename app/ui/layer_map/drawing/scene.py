"""The map's items. They are kept while the structure stays, so that hover and cursor stay too."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QGraphicsScene, QGraphicsSimpleTextItem

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.ui.layer_map.drawing.bar_item import BAR_HEIGHT, LABEL_HEIGHT, BarItem, FreePhoneItem
from app.ui.layer_map.drawing.cell_item import CELL_HEIGHT, CellItem
from app.ui.layer_map.drawing.content import bar_content, hop_content
from app.ui.layer_map.drawing.drag import Lane
from app.ui.layer_map.drawing.geometry import MapGeometry
from app.ui.layer_map.drawing.hop_item import HopItem
from app.ui.layer_map.drawing.seam_item import DotItem, SeamItem
from app.ui.layer_map.state import MapState
from app.ui.looks.appearance import tabular
from app.ui.looks.marks import Mark, mark_of
from app.ui.looks.tokens import Tokens, phone_colour
from app.words.catalogue import language_used
from app.words.fit import free_phone, more_free
from app.words.sentences import reason_text

BAR_TOP = CELL_HEIGHT + 6
_FREE_TOP = BAR_TOP + BAR_HEIGHT + LABEL_HEIGHT + 10
_FREE_HEIGHT = 28.0
_FREE_ROWS = 3
"""More phones than stand in them are counted: the list of phones shows them all."""
_MORE_WIDTH = 120.0
SCENE_HEIGHT = _FREE_TOP - 6
_MARGIN = 4.0
NAME_SCALE = 0.92
"""Of the window's letters, for what stands in bars and below them."""


@dataclass(frozen=True)
class _Structure:
    """What must change before items are made anew."""

    stages: int
    free: tuple[tuple[Serial, Mark, DeviceState], ...]
    tokens: Tokens
    font: str
    language: str


class MapScene(QGraphicsScene):
    """Cells, bars, seams, free phones and the travelling dot."""

    def __init__(self) -> None:
        super().__init__()
        self._structure: _Structure | None = None
        self._cells: CellItem | None = None
        self._bars: list[BarItem] = []
        self._hops: list[HopItem] = []
        self._seams: list[SeamItem] = []
        self._free: list[FreePhoneItem] = []
        self._dot: DotItem | None = None

    def show_state(
        self,
        state: MapState,
        geometry: MapGeometry,
        tokens: Tokens,
        font: QFont,
        carried: Serial | None,
        room: float,
    ) -> None:
        """Show a state on the given cells; the carried phone's bar is dashed.

        `room` is the height that there is for it.
        """
        without = state.phones_without_layers()
        free = tuple((phone.serial, mark_of(phone), phone.state) for phone in without)
        structure = _Structure(
            len(state.shown.stages), free, tokens, font.toString(), language_used()
        )
        if structure != self._structure:
            self._rebuild(state, geometry, tokens, font)
            self._structure = structure
        rows = int((room - _FREE_TOP) // _FREE_HEIGHT)
        rows = self._place_free(geometry.right + geometry.back, min(max(rows, 1), _FREE_ROWS))
        if self._cells is not None:
            self._cells.show_geometry(geometry)
        for index, (stage, bar) in enumerate(zip(state.shown.stages, self._bars, strict=True)):
            left, right = geometry.span(stage)
            bar.show_content(bar_content(state, stage, tokens, carried), right - left)
            bar.setPos(left, BAR_TOP)
            self._show_hop(state, geometry, index)
        height = _FREE_TOP + rows * _FREE_HEIGHT if rows else SCENE_HEIGHT
        right = geometry.right + geometry.back
        self.setSceneRect(QRectF(-_MARGIN, -2, right + 2 * _MARGIN, height))

    @property
    def least_height(self) -> float:
        """The height with one row of free phones, where there are any."""
        return _FREE_TOP + _FREE_HEIGHT if self._free else SCENE_HEIGHT

    def show_text(self, words: str, colour: str, font: QFont) -> None:
        """Show a sentence instead of a map."""
        self.clear()
        self._free = []
        self._structure = None
        self._dot = None
        text = QGraphicsSimpleTextItem(words)
        text.setFont(font)
        text.setBrush(QColor(colour))
        text.setPos(6, BAR_TOP + 8)
        self.addItem(text)
        self.setSceneRect(QRectF(-_MARGIN, -2, text.boundingRect().width() + 16, SCENE_HEIGHT))

    def place_dot(self, x: float | None) -> None:
        """Put the travelling dot on the bars, or take it away."""
        if self._dot is not None:
            self._dot.setVisible(x is not None)
            self._dot.setPos(x or 0.0, BAR_TOP + BAR_HEIGHT)

    def lane(self) -> Lane:
        """Return where the bars and the free phones are, for drags."""
        boxes = {}
        for chip in filter(FreePhoneItem.isVisible, self._free):
            box = chip.sceneBoundingRect()
            boxes[chip.serial] = (box.left(), box.top(), box.right(), box.bottom())
        unusable = {chip.serial for chip in self._free if not chip.usable}
        unusable |= {bar.content.serial for bar in self._bars if not bar.content.usable}
        return Lane(BAR_TOP, BAR_TOP + BAR_HEIGHT, boxes, frozenset(unusable))

    def _show_hop(self, state: MapState, geometry: MapGeometry, index: int) -> None:
        stage, hop = state.shown.stages[index], self._hops[index]
        start, end = geometry.hop(stage)
        hop.show_content(hop_content(state, index), end - start)
        hop.setPos(start, BAR_TOP)
        if index < len(self._seams):
            self._seams[index].setPos((start + end) / 2, BAR_TOP)

    def _rebuild(self, state: MapState, geometry: MapGeometry, tokens: Tokens, font: QFont) -> None:
        self.clear()
        small = tabular(font, scale=0.85)
        medium = tabular(font, scale=NAME_SCALE)
        self._cells = CellItem(geometry, tokens, small)
        self._bars = [
            BarItem(bar_content(state, stage, tokens, None), 8, tokens, medium)
            for stage in state.shown.stages
        ]
        self._hops = [HopItem(tokens, medium) for _ in state.shown.stages]
        self._seams = [SeamItem(seam, tokens) for seam in range(len(state.shown.stages) - 1)]
        self._dot = DotItem(tokens)
        self._dot.setVisible(False)
        for item in (self._cells, *self._hops, *self._bars, *self._seams, self._dot):
            self.addItem(item)
        self._add_free_phones(state, tokens, small)

    def _add_free_phones(self, state: MapState, tokens: Tokens, font: QFont) -> None:
        self._free = []
        for phone in state.phones_without_layers():
            colour = phone_colour(tokens, phone.position)
            chip = FreePhoneItem(
                phone.serial,
                free_phone(phone, stands_by=phone.serial in state.standing_by),
                mark_of(phone),
                colour,
                tokens,
                font,
                usable=phone.usable,
            )
            chip.setToolTip(reason_text(phone.state_reason))
            self.addItem(chip)
            self._free.append(chip)
        self._more = QGraphicsSimpleTextItem()
        self._more.setFont(font)
        self._more.setBrush(QColor(tokens.muted))
        self.addItem(self._more)

    def _place_free(self, right: float, rows: int) -> int:
        """Put the free phones into rows, as many as there is room for; return how many rows."""
        left, row, shown = 4.0, 0, 0
        for chip in self._free:
            width = chip.boundingRect().width()
            last = row == rows - 1 and shown < len(self._free) - 1
            if left > _MARGIN and left + width > right - (_MORE_WIDTH if last else 0.0):
                if row == rows - 1:
                    break
                left, row = 4.0, row + 1
            chip.setPos(left, _FREE_TOP + row * _FREE_HEIGHT)
            left += width + 8
            shown += 1
        for place, chip in enumerate(self._free):
            chip.setVisible(place < shown)
        if self._free:
            hidden = len(self._free) - shown
            self._more.setText(more_free(hidden) if hidden else "")
            self._more.setPos(left, _FREE_TOP + row * _FREE_HEIGHT + 5)
        return row + 1 if self._free else 0
