"""What can be done with a phone's layers, as a menu of the map's bars and of the table."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from app.core.assignment import Assignment
from app.core.identifiers import Serial
from app.ui.layer_map.drawing.drag import give_layers
from app.ui.layer_map.editor import AssignmentEditor
from app.words.catalogue import message, tr
from app.words.fit import with_state
from app.words.layer_map import share_with, span_title
from app.words.states import phone_name


def span_menu(editor: AssignmentEditor, serial: Serial, parent: QWidget) -> QMenu | None:
    """Return the menu of the layers that a phone holds; None where it holds none."""
    state = editor.state()
    stage = state.shown.stage_of(serial) if state else None
    if state is None or stage is None:
        return None
    menu = QMenu(parent)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    phone = state.phones.get(serial)
    title = menu.addAction(
        span_title(phone_name(phone) if phone else str(serial), stage, state.shown.chains)
    )
    title.setEnabled(False)
    pinned = tr("Unpin") if state.pinned(serial) else tr("Pin: keep these layers here")
    menu.addAction(pinned, partial(editor.toggle_pin, serial))
    away = menu.addAction(tr("Give its layers to its neighbours"))
    away.triggered.connect(lambda: _commit(editor, state.shown.without(serial)))
    away.setEnabled(len(state.shown.stages) > 1)
    menu.addSeparator()
    menu.addAction(tr("Move to device…")).setEnabled(False)
    row = state.shown.stages.index(stage)
    for other in state.phones.values():
        if other.serial != serial:
            after = state.shown.with_phone(row, other.serial)
            action = menu.addAction(with_state(other), partial(_commit, editor, after))
            action.setEnabled(other.usable)
    menu.addSeparator()
    for free in state.phones_without_layers():
        if free.usable:
            after = give_layers(state.shown, free.serial, stage.first_layer)
            menu.addAction(share_with(phone_name(free)), partial(_commit, editor, after))
    return menu


def _commit(editor: AssignmentEditor, assignment: Assignment) -> None:
    editor.commit(assignment, message("Move phone"))
