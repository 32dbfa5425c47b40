"""The assignment table with its totals and Apply, as the map has them."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.layer_map.assignment_table import AssignmentTable
from app.ui.layer_map.deployment import Deployment
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.fit import fit_colour
from app.ui.looks.appearance import Appearance, colour_words
from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import said
from app.words.catalogue import tr
from app.words.fit import fit_text
from app.words.layer_map import totals_text


class AssignmentPanel(QWidget):
    """What the map shows, for keys and screen readers; Apply is Cancel while it deploys."""

    def __init__(
        self, editor: AssignmentEditor, deployment: Deployment, appearance: Appearance
    ) -> None:
        super().__init__()
        self._editor, self._deployment, self._appearance = editor, deployment, appearance
        self.table = AssignmentTable(editor, appearance)
        self.totals, self.fit, self.apply = QLabel(), QLabel(), QPushButton()
        self.totals.setObjectName("muted")
        self.totals.setWordWrap(True)
        self.apply.setObjectName("primary")
        below = QHBoxLayout()
        below.addWidget(self.totals, 1)
        below.addWidget(self.fit)
        below.addWidget(self.apply)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 10, 8)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)
        self.apply.clicked.connect(self._apply_or_cancel)
        editor.changed.connect(self._show)
        deployment.changed.connect(self._show)
        appearance.changed.connect(self._show)
        said(self, "words", AssignmentPanel._show)

    def _apply_or_cancel(self) -> None:
        if self._deployment.can_cancel:
            self._deployment.cancel()
        else:
            self._deployment.apply()

    def _show(self) -> None:
        running = self._deployment.can_cancel
        self.apply.setText(tr("Cancel") if running else tr("Apply"))
        self.apply.setEnabled(running or self._deployment.can_apply)
        state = self._editor.state() if is_seen(self) else None
        if state is None or state.prediction is None:
            return
        self.totals.setText(totals_text(state.prediction))
        unusable = state.unusable()
        self.fit.setText(fit_text(state.prediction, unusable))
        colour_words(self.fit, fit_colour(state.prediction, unusable, self._appearance.tokens))
