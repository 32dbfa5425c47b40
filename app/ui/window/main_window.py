"""The main window: header, notices, docks, menus; remembers where everything was."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QTabWidget, QVBoxLayout, QWidget

from app.ui.charts.time_view import TimeView
from app.ui.connect.dialog import ConnectDialog
from app.ui.connect.remembered import RememberedPlaces
from app.ui.devices.devices_panel import DevicesPanel
from app.ui.experiments.badge import ExperimentBadge
from app.ui.experiments.desk import ExperimentDesk
from app.ui.experiments.panel import ExperimentsPanel
from app.ui.faults.faults_panel import FaultsPanel
from app.ui.help.dialog import HelpDialog
from app.ui.layer_map.compare_dialog import CompareDialog
from app.ui.layer_map.conditions_dialog import ConditionsDialog
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.panel import LayerMapPanel
from app.ui.layer_map.remembered_pins import RememberedPins
from app.ui.layer_map.table_panel import AssignmentPanel
from app.ui.ledger.desk import LedgerDesk
from app.ui.ledger.panel import LedgerPanel
from app.ui.log.panel import LogPanel
from app.ui.looks.appearance import STAGE_LINE_SCALE, Appearance
from app.ui.looks.seen import is_seen
from app.ui.looks.sideways import Sideways
from app.ui.looks.slot import Slot
from app.ui.models.desk import ModelDesk
from app.ui.models.dialog import ModelsDialog
from app.ui.models.importing import Importing
from app.ui.playground.conversations.keeping import KeptTalks
from app.ui.playground.panel import Playground
from app.ui.rack_link import RackLink
from app.ui.serve.dialog import ServeDialog
from app.ui.serve.serving import HttpDoor, Serving
from app.ui.settings import STATE_VERSION, Settings
from app.ui.timeline.strip import TimelineStrip
from app.ui.window.actions import ActionRegistry
from app.ui.window.alert import Alert
from app.ui.window.dock import Dock
from app.ui.window.header import HeaderBar
from app.ui.window.layout_names import Layout
from app.ui.window.layouts import arrange, refresh_titles
from app.ui.window.menus import build_menus
from app.ui.window.notices import Notice
from app.ui.window.palette.command_palette import CommandPalette
from app.ui.window.palette.rack_actions import rack_entries
from app.ui.window.stopping import StoppingPanel
from app.words.catalogue import Message, message, tr

if TYPE_CHECKING:  # pyqtgraph loads slowly: it is there once the window was painted
    from app.ui.charts.time_chart import TimeChart

CLOSE_LIMIT_MS = 10_000
_WANTED_SIZE = QSize(1600, 950)
_STAGE_HEIGHT_PER_SCALE = 540
"""Pixels of the window's height for each time that the Presenter's text is larger."""
_LARGEST_STAGE_SCALE = 2.4


class MainWindow(QMainWindow):
    """Closing it stops the rack first, without blocking; after ten seconds it closes anyway."""

    painted = Signal()
    """Once, after the first paint."""
    stopped = Signal()

    def __init__(
        self,
        link: RackLink,
        settings: Settings,
        appearance: Appearance,
        http: HttpDoor | None = None,
        models: ModelDesk | None = None,
        experiments: ExperimentDesk | None = None,
    ) -> None:
        super().__init__()
        self._experiments = experiments or ExperimentDesk()
        self.importing = Importing(models, self)
        self.serving = Serving(link, settings, http)
        self.link = link
        self.settings = settings
        self.appearance = appearance
        self.places = RememberedPlaces(link, settings, self)
        self.editor = AssignmentEditor(link)
        self.pins = RememberedPins(link, self.editor, settings, self)
        self.map = LayerMapPanel(self.editor, link, appearance, settings)
        self.devices = DevicesPanel(link, appearance, settings)
        self.playground = Playground(link, appearance, settings)
        self.kept_talks = KeptTalks(self.playground.talks, link, settings, self)
        self.ledger = LedgerPanel(link, appearance, LedgerDesk(settings.folder))
        self.time = TimeView(settings)
        self.timeline = TimelineStrip(link, appearance, self.time)
        self.header = HeaderBar(self.link, self.appearance)
        self.map.conditions.clicked.connect(self.show_conditions)
        self.serving.changed.connect(lambda: self.header.show_address(self.serving.address))
        self.log = LogPanel(link, self.time, settings.folder / "events.log")
        self.ledger.foot.saved.connect(self.log.say)
        self.playground.evidence_wanted.connect(self.ledger.open_slash)
        self.latency_slot, self.memory_slot = Slot(), Slot()
        self._titles = QTimer(self, singleShot=True, interval=0)
        self._titles.timeout.connect(self._docks_moved)
        self.docks: dict[str, Dock] = self._make_docks()
        self.actions_registry = ActionRegistry(self)
        self._palette: CommandPalette | None = None
        self._charts: dict[str, TimeChart] = {}
        self._stage_scale = 1.0
        self._painted = self._closing = self._closed = False
        self.setWindowTitle("Shardloom")
        self.setDockNestingEnabled(True)
        every_area = Qt.DockWidgetArea.AllDockWidgetAreas
        self.setTabPosition(every_area, QTabWidget.TabPosition.North)
        self._add_lines()
        build_menus(self, self.menuBar())
        self.actions_registry["serve"].setEnabled(self.serving.possible)
        self.actions_registry["models"].setEnabled(models is not None)
        self._restore()

    def use_layout(self, layout: Layout) -> None:
        """Arrange the docks as a named layout says; the Presenter's text can be read from afar."""
        self.settings.layout = layout.value
        size = self.size()
        self._enlarge(layout.value)
        self._mark_layout()
        arrange(self, self.docks, layout)
        self._later(partial(self._keep_size, size))
        if layout is Layout.TESTER:
            self.ledger.show_journal()

    def reset_layout(self) -> None:
        """Go back to the Operator layout at its own sizes."""
        self.use_layout(Layout.OPERATOR)

    def add_charts(self) -> None:
        """Fill the chart docks; done after the first paint because pyqtgraph loads slowly."""
        from app.ui.charts.pair import chart_pair  # noqa: PLC0415 - see above

        latency, memory = chart_pair(self.link, self.appearance, self.time)
        self._charts = {"latency": latency, "memory": memory}
        self.latency_slot.fill(latency)
        self.memory_slot.fill(memory)

    def save_chart(self, dock: str) -> None:
        """Ask where the chart of a dock is to be saved."""
        chart = self._charts.get(dock)
        if chart is not None:
            chart.ask_where()

    def set_start_demo(self, wanted: bool) -> None:  # noqa: FBT001 - a Qt slot
        """Remember whether the demo prompt starts by itself."""
        self.settings.start_demo = wanted

    def show_connect(self) -> None:
        """Open the window that connects phones."""
        ConnectDialog(self.link, self.appearance, self.places, self).show()

    def show_serving(self) -> None:
        """Open the window that serves the rack over HTTP."""
        door = self.serving.door
        if door is not None:
            ServeDialog(self.link, self.serving, door, self.appearance, self).show()

    def show_models(self) -> None:
        """Open the window of models: those that are here, and those at the hub."""
        if self.importing.desk is not None:
            desk, appearance = self.importing.desk, self.appearance
            ModelsDialog(self.link, desk, self.importing, appearance, self).show()

    def show_conditions(self) -> None:
        """Open the window of what is asked of every plan."""
        ConditionsDialog(self.link, self.editor, self.appearance, self).show()

    def show_comparison(self) -> None:
        """Show the planner's answer beside other ways to place the model."""
        dialog = CompareDialog(self.link, self.editor, self.appearance, self)
        dialog.show()
        dialog.ask()

    def show_palette(self) -> None:
        """Open the command palette."""
        if self._palette is None:
            more = partial(rack_entries, self.link, self.editor)
            self._palette = CommandPalette(self.actions_registry, more, self)
        self._palette.open_over(self)

    def show_help(self) -> None:
        """Open the window of words and keys."""
        HelpDialog(self._told_keys, self).show()

    def _told_keys(self) -> list[tuple[str, str]]:
        """Return the keys there are and what each does."""
        native = QKeySequence.SequenceFormat.NativeText
        return [
            (", ".join(keys.toString(native) for keys in action.shortcuts()), action.text())
            for action in self.actions_registry.all()
            if action.shortcuts()
        ]

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002, FBT001, N802 - Qt's names
        """Move the focus on, past what nobody sees: panels behind tabs are visible to Qt."""
        passed: set[QWidget] = set()
        while super().focusNextPrevChild(next):
            reached = self.focusWidget()
            if reached is None or is_seen(reached):
                return True
            if reached in passed:
                reached.clearFocus()
                return False
            passed.add(reached)
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint, and say so the first time."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            self._later(self.painted.emit)
            self._later(self._raise_floating)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the Presenter's text as large as the window allows."""
        super().resizeEvent(event)
        self._enlarge(self.settings.layout)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Stop the rack, then close; a second request to close does not wait."""
        if self._closed:
            event.accept()
            return
        event.ignore()
        if self._closing:
            self._finish_closing()
            return
        self._closing = True
        self.importing.close()
        self.kept_talks.close()
        self.ledger.foot.close_processes()
        self.settings.save_window(self.saveGeometry(), self.saveState(STATE_VERSION))
        StoppingPanel(self)
        self.menuBar().setEnabled(False)
        self._later(self._finish_closing, CLOSE_LIMIT_MS)
        self.link.close(self._finish_closing)

    def _later(self, work: Callable[[], object], delay_ms: int = 0) -> None:
        """Do something from the event loop, unless the window is gone by then."""
        timer = QTimer(self, singleShot=True, interval=delay_ms)
        timer.timeout.connect(work)
        timer.start()

    def _finish_closing(self) -> None:
        if not self._closed:
            self._closed = True
            self.close()
            self.stopped.emit()

    def _make_docks(self) -> dict[str, Dock]:
        contents: dict[str, tuple[Message, QWidget]] = {
            "devices": (message("Devices"), self.devices),
            "map": (message("Layer map"), self.map),
            "assignment": (
                message("Assignment table"),
                AssignmentPanel(self.editor, self.map.deployment, self.appearance),
            ),
            "latency": (message("Latency per stage"), self.latency_slot),
            "memory": (message("Memory per phone"), self.memory_slot),
            "timeline": (message("Timeline"), self.timeline),
            "playground": (message("Playground"), self.playground),
            "ledger": (message("Ledger"), self.ledger),
            "faults": (message("Faults"), FaultsPanel(self.link, self.appearance)),
            "experiments": (
                message("Experiments"),
                Sideways(ExperimentsPanel(self.link, self._experiments, self.appearance)),
            ),
            "log": (message("Log"), self.log),
        }
        docks = {name: Dock(name, title, content) for name, (title, content) in contents.items()}
        for dock in docks.values():
            dock.dockLocationChanged.connect(self._titles.start)
            dock.visibilityChanged.connect(self._titles.start)
        return docks

    def _docks_moved(self) -> None:
        refresh_titles(self, self.docks)
        self.link.show_again()

    def _mark_layout(self) -> None:
        name = f"layout-{self.settings.layout}"
        if name in self.actions_registry.named():
            self.actions_registry[name].setChecked(True)

    def _raise_floating(self) -> None:
        """Bring panels that float before this window: they were shown while it was not there."""
        for dock in self.docks.values():
            if dock.isFloating() and dock.isVisible():
                dock.hide()
                dock.show()
                dock.raise_()

    def _arrange_again(self) -> None:
        """Arrange a window that has its size by now, as what was chosen meanwhile says."""
        self.use_layout(Layout(self.settings.layout))

    def _keep_size(self, size: QSize) -> None:
        """Undo what the window has grown by while its panels changed places."""
        grown = self.width() > size.width() or self.height() > size.height()
        if grown and not self.isMaximized() and not self.isFullScreen():
            self.resize(size)

    def _enlarge(self, layout: str) -> None:
        wanted = self.height() / _STAGE_HEIGHT_PER_SCALE if layout == Layout.PRESENTER else 1.0
        scale = min(max(wanted, 1.0), _LARGEST_STAGE_SCALE)
        if scale != self._stage_scale:
            self._stage_scale = scale
            for panel in (self.header, self.playground, self.map):
                panel.enlarge(scale)
            self.timeline.enlarge(min(scale, STAGE_LINE_SCALE))

    def _add_lines(self) -> None:
        lines = QWidget()
        layout = QVBoxLayout(lines)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        header, notice = self.header, Notice(self.link)
        header.palette_button.clicked.connect(self.show_palette)
        notice.connect_asked.connect(self.show_connect)
        badge = ExperimentBadge(self.link)
        badge.pressed.connect(self.docks["experiments"].reveal)
        header.add_badge(badge)
        layout.addWidget(header)
        layout.addWidget(notice)
        bar = self.addToolBar("header")
        bar.setObjectName("headerBar")
        bar.setMovable(False)
        bar.toggleViewAction().setVisible(False)
        bar.addWidget(lines)
        self.alert = Alert(self.link, self, lines)

    def _restore(self) -> None:
        self.resize(_WANTED_SIZE.boundedTo(self.screen().availableSize()))
        chosen, remembered = self.settings.layout, self.settings.window()
        self.use_layout(Layout.OPERATOR)
        if remembered is None:
            self._later(self._arrange_again)
            return
        geometry, state = remembered
        self.restoreGeometry(geometry)
        if not self.restoreState(state, STATE_VERSION):
            self.log.say(tr("The remembered layout is of another version: starting with Operator."))
            self.reset_layout()
            return
        self.settings.layout = chosen
        self._mark_layout()
        self._enlarge(chosen)
