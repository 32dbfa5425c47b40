"""One table for every list of rows: a typed model with columns, and its view."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
)
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.ui.looks.appearance import tabular
from app.ui.looks.spoken import said, said_as
from app.words.catalogue import Message

Row = TypeVar("Row")
Index = QModelIndex | QPersistentModelIndex
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
NO_TITLE = Message("")
_DISPLAY = int(Qt.ItemDataRole.DisplayRole)
_TOOLTIP = int(Qt.ItemDataRole.ToolTipRole)
_ALIGNMENT = int(Qt.ItemDataRole.TextAlignmentRole)
_FOREGROUND = int(Qt.ItemDataRole.ForegroundRole)
_ANSWERED = frozenset((_DISPLAY, _TOOLTIP, _ALIGNMENT, _FOREGROUND, ROW_ROLE))
"""Plain numbers: views ask for many roles of every cell at each change."""


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column: its title, a key of the catalogues or what says it, and what it says of a row."""

    title: Message | Callable[[], str]
    text: Callable[[Row], str]
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft
    colour: Callable[[Row], str] | None = None
    tooltip: Callable[[Row], str] | None = None


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows known by a key: what changed repaints, both ends come and go, else all reset."""

    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key: Callable[[Row], Hashable],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._columns = tuple(columns)
        centre = Qt.AlignmentFlag.AlignVCenter
        self._aligns = tuple(int(column.align | centre) for column in self._columns)
        self._key = key
        self._rows: tuple[Row, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows shown."""
        return self._rows

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows from now on, with as little disturbance as possible."""
        after = tuple(rows)
        self._fit_beginning(after)
        before, known = self._rows, len(self._rows)
        keys = [self._key(row) for row in after[:known]]
        if len(after) < known or keys != [self._key(row) for row in before]:
            self._reset_or_replace(after)
            return
        changed = after[:known] != before
        if len(after) > known:
            self.beginInsertRows(QModelIndex(), known, len(after) - 1)
            self._rows = after
            self.endInsertRows()
        self._rows = after
        if known and (changed or self._paints_more_than_rows()):
            self.repaint()

    def repaint(self) -> None:
        """Tell views that every cell may look different."""
        if self._rows:
            last = self.index(len(self._rows) - 1, len(self._columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def say_titles(self) -> None:
        """Tell views that the columns' titles may read differently, and the cells too."""
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._columns) - 1)
        self.repaint()

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell shows."""
        if role not in _ANSWERED or not index.isValid() or index.row() >= len(self._rows):
            return None
        if role == _ALIGNMENT:
            return self._aligns[index.column()]
        row, column = self._rows[index.row()], self._columns[index.column()]
        if role == _DISPLAY:
            return column.text(row)
        if role == _FOREGROUND:
            return QColor(column.colour(row)) if column.colour else None
        if role == _TOOLTIP:
            return column.tooltip(row) if column.tooltip else None
        return row

    def headerData(  # noqa: N802 - Qt's name
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        """Return a column's title."""
        horizontal = orientation is Qt.Orientation.Horizontal
        if not horizontal or not 0 <= section < len(self._columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return said_as(self._columns[section].title)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._aligns[section]
        return None

    def _fit_beginning(self, after: tuple[Row, ...]) -> None:
        """Take off the rows before the first one wanted, or put in those before the first shown."""
        if not (self._rows and after) or self._key(self._rows[0]) == self._key(after[0]):
            return
        before = [self._key(row) for row in self._rows]
        wanted = [self._key(row) for row in after]
        if wanted[0] in before:
            gone = before.index(wanted[0])
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            self._rows = self._rows[gone:]
            self.endRemoveRows()
        elif before[0] in wanted:
            older = wanted.index(before[0])
            self.beginInsertRows(QModelIndex(), 0, older - 1)
            self._rows = (*after[:older], *self._rows)
            self.endInsertRows()

    def _paints_more_than_rows(self) -> bool:
        return any(column.colour for column in self._columns)

    def _reset_or_replace(self, after: tuple[Row, ...]) -> None:
        if len(after) == len(self._rows):
            self._rows = after
            self.repaint()
            return
        self.beginResetModel()
        self._rows = after
        self.endResetModel()


class Table(QTableView):
    """A quiet table: whole rows, no grid, columns that fit their contents."""

    def __init__(self, model: RowsModel[Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = model
        self.setModel(model)
        said(self, "titles", lambda table: table.rows.say_titles())
        self.setFont(tabular(self.font(), scale=0.95))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(56)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(24)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setResizeContentsPrecision(0)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._fitting = QTimer(self, singleShot=True, interval=0)
        self._fitting.timeout.connect(header.resizeSections)
        for changed in (model.dataChanged, model.rowsInserted, model.modelReset):
            changed.connect(self._fit_soon)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the columns: rows that came while nobody saw them were not measured."""
        super().showEvent(event)
        self._fit_soon()

    def _fit_soon(self) -> None:
        """Measure again what can be seen: Qt does so for new rows before they have a place."""
        if self.isVisible():
            self._fitting.start()

    def stretch_first_column(self) -> None:
        """Give spare width to the first column instead of the last."""
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
