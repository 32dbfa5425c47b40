"""A classification: each label with a bar and its share."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QHeaderView, QStyledItemDelegate, QStyleOptionViewItem

from app.core.units import significant
from app.rack.snapshot import LabelScore, RequestSnapshot
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import spoken
from app.ui.looks.table import NO_TITLE, ROW_ROLE, Column, RowsModel, Table
from app.ui.looks.tokens import blend
from app.words.catalogue import message

_BAR_HEIGHT = 10


class LabelBars(Table):
    """One row a label, the best first; pale until the answer has settled."""

    def __init__(self, appearance: Appearance) -> None:
        columns = (
            Column[LabelScore](message("Label"), lambda row: row.label),
            Column[LabelScore](NO_TITLE, lambda _: ""),
            Column[LabelScore](message("Score"), score_text, Qt.AlignmentFlag.AlignRight),
        )
        super().__init__(RowsModel[LabelScore](columns, lambda row: row.label))
        self._bars = _BarDelegate(appearance, self)
        self.setItemDelegateForColumn(1, self._bars)
        spoken(self.setAccessibleName, "Labels")
        header = self.horizontalHeader()
        header.hide()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        appearance.changed.connect(self.rows.repaint)

    def show_request(self, request: RequestSnapshot, *, settled: bool) -> None:
        """Show a request's labels."""
        if settled != self._bars.settled:
            self._bars.settled = settled
            self.rows.repaint()
        if request.labels != self.rows.rows:
            self.rows.show_rows(request.labels)


class _BarDelegate(QStyledItemDelegate):
    """Paints a share of the column's width."""

    def __init__(self, appearance: Appearance, parent: QObject) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self.settled = False

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one label's bar in its trough."""
        score: LabelScore = index.data(ROW_ROLE)
        if not is_share(score):
            return
        tokens = self._appearance.tokens
        box = QRectF(option.rect).adjusted(6, 0, -6, 0)
        box.setTop(box.center().y() - _BAR_HEIGHT / 2)
        box.setHeight(_BAR_HEIGHT)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(blend(tokens.raised, tokens.line, 0.6)))
        painter.drawRoundedRect(box, 4, 4)
        box.setWidth(max(box.width() * score.score, 2.0))
        full = tokens.accent if index.row() == 0 else blend(tokens.raised, tokens.accent, 0.55)
        painter.setBrush(QColor(full if self.settled else blend(tokens.raised, full, 0.6)))
        painter.drawRoundedRect(box, 4, 4)
        painter.restore()


def is_share(score: LabelScore) -> bool:
    """Whether a score can be a probability; a model that regresses gives any number."""
    return 0 <= score.score <= 1


def score_text(score: LabelScore) -> str:
    """Return a score in per cent, or as the number that it is."""
    return f"{score.score:.1%}" if is_share(score) else significant(score.score)
