"""The layer map with its controls and the preview line."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.identifiers import Serial
from app.placement.problem import Objective
from app.rack.compared_plans import Standing
from app.rack.snapshot import RackSnapshot
from app.ui.layer_map.balancing import BalancingControl
from app.ui.layer_map.deployment import Deployment
from app.ui.layer_map.drawing.travel import TravellingDot
from app.ui.layer_map.drawing.view import LayerMapView
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.fit import fit_colour
from app.ui.layer_map.span_menu import span_menu
from app.ui.layer_map.state import BarMeasure, MapState
from app.ui.looks.appearance import STAGE_LINE_SCALE, Appearance, colour_words, tabular
from app.ui.looks.elided import ElidedLabel
from app.ui.looks.spoken import spoken, spoken_items, spoken_label
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.words.catalogue import message, tr
from app.words.fit import fit_text
from app.words.layer_map import prediction_text, price_text, standing_text
from app.words.states import objective_word

_ROOM_FOR_LABEL = 830
"""Pixels from which the objective's box has its name in front."""


class LayerMapPanel(QWidget):
    """Objective, Re-plan, Apply, balancing, Undo and Redo above; the map; what it promises below.

    While a deployment runs, Apply is Cancel.
    """

    def __init__(
        self,
        editor: AssignmentEditor,
        link: RackLink,
        appearance: Appearance,
        settings: Settings,
    ) -> None:
        super().__init__()
        self._editor = editor
        self._settings = settings
        self.deployment = Deployment(editor, link)
        self._appearance = appearance
        self._objective_known: Objective | None = None
        self.view = LayerMapView(editor, appearance)
        self.dot = TravellingDot(self.view, link, appearance)
        self.objective = QComboBox()
        for objective in Objective:
            self.objective.addItem("", objective)
        spoken_items(self.objective, lambda kind: objective_word(Objective(kind)))
        spoken(self.objective.setAccessibleName, "Objective")
        self.measure = QComboBox()
        for measure in BarMeasure:
            self.measure.addItem("", measure)
        spoken_items(self.measure, lambda measure: _measure_word(BarMeasure(measure)))
        spoken(self.measure.setAccessibleName, "Bar width")
        self.balancing = BalancingControl(link)
        self.replan = QPushButton()
        self.conditions = QPushButton()
        spoken(self.conditions.setText, "Conditions…")
        spoken(self.conditions.setToolTip, "What is asked of every plan")
        self.apply = QPushButton()
        self.apply.setObjectName("primary")
        self.undo, self.redo = QToolButton(), QToolButton()
        spoken(self.replan.setText, "Re-plan")
        for button, sign, words in (
            (self.undo, "\N{ANTICLOCKWISE TOP SEMICIRCLE ARROW}", message("Undo")),
            (self.redo, "\N{CLOCKWISE TOP SEMICIRCLE ARROW}", message("Redo")),
        ):
            button.setText(sign)
            button.setObjectName("way")
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            spoken(button.setToolTip, words)
            spoken(button.setAccessibleName, words)
        self.undo.setEnabled(False)
        self.redo.setEnabled(False)
        self.preview_line = ElidedLabel()
        self.fit_line = QLabel()
        self.standing_line = ElidedLabel()
        self.standing_line.setObjectName("muted")
        self.said_line = ElidedLabel()
        self.said_line.setObjectName("muted")
        self._arrange()
        self._connect(link)
        self.enlarge(1.0)
        self.refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Name the objective only where there is room: the box says it too."""
        super().resizeEvent(event)
        self._label.setVisible(event.size().width() >= _ROOM_FOR_LABEL)

    def enlarge(self, scale: float) -> None:
        """Show the map and its line larger, for a stage."""
        self.view.enlarge(scale)
        line_scale = min(scale, STAGE_LINE_SCALE)
        for line in (self.preview_line, self.standing_line, self.said_line):
            line.setFont(tabular(self.font(), scale=line_scale))
        self.fit_line.setFont(tabular(self.font(), scale=line_scale, bold=True))

    def refresh(self) -> None:
        """Show the preview line and what can be pressed."""
        state = self._editor.state()
        self.replan.setEnabled(state is not None)
        self._refresh_apply()
        if state is None or state.prediction is None:
            self.preview_line.clear()
            self.fit_line.clear()
            self.standing_line.clear()
            return
        baseline = self._editor.baseline() if self._editor.previewing else None
        pushed = not (self._editor.dirty or self._editor.previewing)
        words = prediction_text(state.prediction, baseline, pushed=pushed)
        self.preview_line.setText(f"{self._standing()}:  {words}")
        unusable = state.unusable()
        self.fit_line.setText(fit_text(state.prediction, unusable))
        colour = fit_colour(state.prediction, unusable, self._appearance.tokens)
        colour_words(self.fit_line, colour)
        self._say_standing(state)

    def _say_standing(self, state: MapState) -> None:
        """Say what is proven of the plan, and what it asks where the rack buys by price."""
        told, tokens = [standing_text(state.standing)], self._appearance.tokens
        if self._objective_known is Objective.PRICE and state.prediction is not None:
            told.insert(0, price_text(state.prediction))
        self.standing_line.setText("  ·  ".join(filter(None, told)))
        is_too_slow = state.standing is Standing.TOO_SLOW
        colour_words(self.standing_line, tokens.warn if is_too_slow else tokens.muted)

    def _refresh_apply(self) -> None:
        running = self.deployment.can_cancel
        self.apply.setText(tr("Cancel") if running else tr("Apply"))
        self.apply.setEnabled(running or self.deployment.can_apply)
        self.said_line.setText(self.deployment.said)

    def _apply_or_cancel(self) -> None:
        if self.deployment.can_cancel:
            self.deployment.cancel()
        else:
            self.deployment.apply()

    def _open_menu(self, serial: str, point: QPoint) -> None:
        menu = span_menu(self._editor, Serial(serial), self)
        if menu is not None:
            menu.popup(point)

    def _standing(self) -> str:
        if self._editor.previewing:
            return tr("preview")
        return tr("requested") if self._editor.dirty else tr("applied")

    def _arrange(self) -> None:
        controls = QHBoxLayout()
        controls.setSpacing(8)
        self._label = spoken_label("Objective")
        self._label.setObjectName("muted")
        controls.addWidget(self._label)
        for widget in (self.objective, self.conditions, self.replan, self.apply):
            controls.addWidget(widget)
        controls.addStretch(1)
        controls.addWidget(self.balancing)
        for right in (self.measure, self.undo, self.redo):
            controls.addWidget(right)
        below = QHBoxLayout()
        below.addWidget(self.preview_line)
        below.addWidget(self.fit_line)
        below.addWidget(self.standing_line)
        below.addWidget(self.said_line)
        below.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(controls)
        layout.addWidget(self.view, 1)
        layout.addLayout(below)
        layout.addWidget(self.balancing.line)

    def _connect(self, link: RackLink) -> None:
        self.deployment.changed.connect(self.refresh)
        stack = self._editor.undo_stack
        stack.canUndoChanged.connect(self.undo.setEnabled)
        stack.canRedoChanged.connect(self.redo.setEnabled)
        self._appearance.changed.connect(self.refresh)
        self.view.menu_asked.connect(self._open_menu)
        link.snapshot_changed.connect(self._follow_objective)
        self.apply.clicked.connect(self._apply_or_cancel)
        self.undo.clicked.connect(stack.undo)
        self.redo.clicked.connect(stack.redo)
        self.replan.clicked.connect(
            lambda: self._editor.replan(Objective(self.objective.currentData()))
        )
        self.measure.currentIndexChanged.connect(lambda _: self._choose_measure())
        known = [measure.name for measure in BarMeasure]
        chosen = self._settings.chosen("measure", known, BarMeasure.TIME.name)
        self.measure.setCurrentIndex(self.measure.findData(BarMeasure[chosen]))

    def _choose_measure(self) -> None:
        measure = BarMeasure(self.measure.currentData())
        self._settings.choose("measure", measure.name)
        self.view.set_measure(measure)

    def _follow_objective(self, snapshot: RackSnapshot) -> None:
        if snapshot.objective is not self._objective_known:
            self._objective_known = snapshot.objective
            self.objective.setCurrentIndex(self.objective.findData(snapshot.objective))
            self.refresh()


def _measure_word(measure: BarMeasure) -> str:
    match measure:
        case BarMeasure.TIME:
            return tr("width: time")
        case BarMeasure.BYTES:
            return tr("width: bytes")
        case BarMeasure.LAYERS:
            return tr("width: layers")
        case _:
            assert_never(measure)
