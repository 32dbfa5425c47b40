"""The assignment as a table, for keys and screen readers: the map's twin on the same edits."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.core.assignment import StageAssignment
from app.core.units import format_bytes, format_duration
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.span_menu import span_menu
from app.ui.layer_map.state import MapState
from app.ui.looks.appearance import Appearance
from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import spoken
from app.ui.looks.table import NO_TITLE, Column, RowsModel, Table
from app.ui.looks.tokens import phone_colour
from app.words.catalogue import message
from app.words.fit import blocked_by, blocked_text
from app.words.layer_map import measured_text, span_text
from app.words.states import phone_name


class AssignmentTable(Table):
    """Arrows select, Alt+arrows move a boundary, Enter moves the span to another phone."""

    def __init__(
        self, editor: AssignmentEditor, appearance: Appearance, parent: QWidget | None = None
    ) -> None:
        self._editor = editor
        self._appearance = appearance
        self._state: MapState | None = None
        super().__init__(RowsModel[StageAssignment](self._columns(), lambda row: row), parent)
        spoken(self.setAccessibleName, "Assignment")
        spoken(
            self.setToolTip,
            "Alt+Right/Left: move the lower boundary.  Alt+Up/Down: move the upper boundary.  "
            "Enter: move to another phone.",
        )
        editor.changed.connect(self.refresh)

    def refresh(self) -> None:
        """Show the editor's state."""
        self._state = self._editor.state()
        if is_seen(self) or self.rows.rowCount() == 0:
            self.rows.show_rows(self._state.shown.stages if self._state else ())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Edit with keys."""
        row = self.currentIndex().row()
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        moves = {
            Qt.Key.Key_Right: (row, 1),
            Qt.Key.Key_Left: (row, -1),
            Qt.Key.Key_Down: (row - 1, 1),
            Qt.Key.Key_Up: (row - 1, -1),
        }
        if alt and event.key() in moves:
            self._move_seam(*moves[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            menu = self.device_menu()
            if menu is not None:
                menu.popup(self.viewport().mapToGlobal(self._below_row(row)))
        elif event.key() == Qt.Key.Key_Escape:
            self._editor.preview(None)
        else:
            super().keyPressEvent(event)

    def device_menu(self) -> QMenu | None:
        """Return what can be done with the selected span; None where none is selected."""
        state, row = self._state, self.currentIndex().row()
        if state is None or not 0 <= row < len(state.shown.stages):
            return None
        return span_menu(self._editor, state.shown.stages[row].serial, self)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802 - Qt's name
        """Offer it at the pointer too."""
        menu = self.device_menu()
        if menu is not None:
            menu.popup(event.globalPos())

    def _below_row(self, row: int) -> QPoint:
        return QPoint(40, self.rowViewportPosition(row) + self.rowHeight(row))

    def _move_seam(self, seam: int, step: int) -> None:
        requested = self._editor.requested
        if requested is None or not 0 <= seam < len(requested.stages) - 1:
            return
        first = requested.stages[seam + 1].first_layer + step
        self._editor.commit(requested.with_seam(seam, first), message("Move boundary"))

    def _columns(self) -> tuple[Column[StageAssignment], ...]:
        right = Qt.AlignmentFlag.AlignRight
        return (
            Column(message("Phone"), self._name, colour=self._colour),
            Column(message("Layers"), self._layers, right),
            Column(message("Predicted"), self._predicted, right),
            Column(message("Measured"), self._measured, right, colour=self._measured_colour),
            Column(message("Needs"), self._needs, right),
            Column(message("Headroom"), self._headroom, right, colour=self._headroom_colour),
            Column(message("Push"), self._push, right),
            Column(NO_TITLE, lambda _: ""),
        )

    def _layers(self, row: StageAssignment) -> str:
        return span_text(row, self._state.shown.chains if self._state else ())

    def _name(self, row: StageAssignment) -> str:
        phone = self._state.phones.get(row.serial) if self._state else None
        return phone_name(phone) if phone else str(row.serial)

    def _colour(self, row: StageAssignment) -> str:
        phone = self._state.phones.get(row.serial) if self._state else None
        tokens = self._appearance.tokens
        return phone_colour(tokens, phone.position) if phone else tokens.text

    def _predicted(self, row: StageAssignment) -> str:
        predicted = self._state.predicted(row.serial) if self._state else None
        return format_duration(predicted.compute_s) if predicted else "-"

    def _measured(self, row: StageAssignment) -> str:
        return measured_text(self._state.measured(row.serial) if self._state else None)

    def _measured_colour(self, row: StageAssignment) -> str:
        measured = self._state.measured(row.serial) if self._state else None
        tokens = self._appearance.tokens
        return tokens.muted if measured and not measured.recent else tokens.text

    def _needs(self, row: StageAssignment) -> str:
        predicted = self._state.predicted(row.serial) if self._state else None
        return format_bytes(predicted.needed_bytes) if predicted else "-"

    def _headroom(self, row: StageAssignment) -> str:
        predicted = self._state.predicted(row.serial) if self._state else None
        if predicted is None or self._state is None:
            return "-"
        blocked = blocked_by(self._state.phones.get(row.serial)) or blocked_text(predicted)
        return blocked or format_bytes(predicted.headroom_bytes)

    def _headroom_colour(self, row: StageAssignment) -> str:
        predicted = self._state.predicted(row.serial) if self._state else None
        tokens = self._appearance.tokens
        if self._state is not None and blocked_by(self._state.phones.get(row.serial)):
            return tokens.bad
        return tokens.text if predicted is None or predicted.fits else tokens.bad

    def _push(self, row: StageAssignment) -> str:
        predicted = self._state.predicted(row.serial) if self._state else None
        return format_bytes(predicted.push_bytes) if predicted else "-"
