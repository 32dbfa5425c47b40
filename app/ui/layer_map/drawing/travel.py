"""Moves the dot along the bars while text flows, slower where a stage is slower."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer

from app.rack.snapshot import Phase
from app.ui.layer_map.drawing.geometry import dot_position
from app.ui.layer_map.drawing.view import LayerMapView
from app.ui.layer_map.state import BarMeasure
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink

_LAP_MS = 1800
_FRAME_MS = 33


class TravellingDot(QObject):
    """Runs only while text flows, the map can be seen and motion is wanted."""

    def __init__(self, view: LayerMapView, link: RackLink, appearance: Appearance) -> None:
        super().__init__(view)
        self._view = view
        self._link = link
        self._appearance = appearance
        self._clock = QElapsedTimer()
        self._clock.start()
        self._timer = QTimer(self, interval=_FRAME_MS)
        self._timer.timeout.connect(self._move)
        link.snapshot_changed.connect(lambda _: self._decide())
        appearance.changed.connect(self._decide)

    @property
    def moving(self) -> bool:
        """Whether the dot is travelling."""
        return self._timer.isActive()

    def _decide(self) -> None:
        snapshot = self._link.snapshot
        running = snapshot is not None and snapshot.phase is Phase.RUNNING
        wanted = running and self._view.isVisible() and not self._appearance.reduce_motion
        if wanted and not self._timer.isActive():
            self._timer.start()
        elif not wanted and self._timer.isActive():
            self._timer.stop()
            self._view.place_dot(None)

    def _move(self) -> None:
        state, layout = self._view.state_shown, self._view.layout_shown
        if state is None or layout is None or not self._view.isVisible():
            self._timer.stop()
            return
        spans = [layout.span(stage) for stage in state.shown.stages]
        durations = state.weights(BarMeasure.TIME)
        if layout.back > 0:
            spans += [layout.hop(stage) for stage in state.shown.stages]
            durations += state.hops()
        steps = sorted(zip(spans, durations, strict=True))
        progress = (self._clock.elapsed() % _LAP_MS) / _LAP_MS
        x = dot_position(progress, [span for span, _ in steps], [time for _, time in steps])
        self._view.place_dot(x)
