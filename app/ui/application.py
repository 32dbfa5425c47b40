"""Starts the control centre: the window is painted first, then the rack is opened."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication

from app.core.assets import ASSETS
from app.core.errors import BadInputError, ShardloomError
from app.rack.control import RackControl
from app.ui.crash_report import CrashReport
from app.ui.experiments.desk import ExperimentDesk
from app.ui.looks.appearance import Appearance
from app.ui.models.desk import ModelDesk
from app.ui.presenter.first_run import FirstRun
from app.ui.presenter.scenes import scene_named
from app.ui.presenter.stage import PresenterStage
from app.ui.rack_link import RackLink
from app.ui.serve.serving import HttpDoor
from app.ui.settings import Settings
from app.ui.single_instance import Start, claim, come_forward
from app.ui.window.main_window import MainWindow
from app.ui.window.tray import Tray
from app.words.sentences import error_text
from app.words.window import crash_text, window_failure

ICON = ASSETS / "icons" / "shardloom.svg"
SWITCH_INTERVAL_S = 0.0002
"""How long other threads may compute before the window is given its turn (Python: 5 ms)."""
STOP_LIMIT_S = 60.0
"""How long the process stays for its rack once the window is gone, as a terminal's command does."""

_log = logging.getLogger("app")


def run(
    open_control: Callable[[], RackControl],
    settings_path: Path,
    scene: str | None = None,
    accompany: Callable[[MainWindow], object] | None = None,
    rack: str = "",
    language: str = "",
    http: HttpDoor | None = None,
    models: ModelDesk | None = None,
) -> int:
    """Run the control centre until its window is closed and the rack has stopped.

    `open_control` is called once, on a thread of its own, right after the first paint;
    `accompany` with the window before it is shown. What a person adds is remembered by the name
    of the `rack`. A `language` counts until another is chosen; `http` serves the rack, `models`
    leads to hub and library. Returns the exit status. Raises `BadInputError` for an unknown scene,
    `WindowTakenError` where another window has the home, `ShardloomError` where the rack did not
    stop.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    chosen = scene_named(scene) if scene else None
    application = _application()
    instance = claim(settings_path.parent, rack)
    link, settings = RackLink(), Settings(settings_path, rack)
    settings.ask_language(language)
    look, experiments = Appearance(application, settings), ExperimentDesk(settings_path.parent)
    window = MainWindow(link, settings, look, http, models, experiments)
    stage = PresenterStage(window)
    FirstRun(link, settings, chosen, stage).setParent(window)
    window.painted.connect(_log_start)
    window.painted.connect(lambda: link.open(open_control))
    window.painted.connect(window.add_charts)
    window.stopped.connect(application.quit)
    instance.started.connect(partial(_started_again, window, stage))
    window.stopped.connect(instance.close)
    crash = CrashReport(settings.folder)
    Tray(link, window, application.windowIcon())
    with (
        crash.kept() as left,
        _few_full_collections(link),
        _signals_close(window),
        _failures_shown(link, crash),
        _log_shown(window),
    ):
        if left is not None:
            window.alert.show_line(crash_text(str(left)))
        if accompany is not None:
            accompany(window)
        window.show()
        if chosen is not None:
            window.use_layout(chosen.layout)
        try:
            status = application.exec()
        finally:
            window.serving.end()
    _end(window, link)
    return status


def _end(window: MainWindow, link: RackLink) -> None:
    """Wait for the rack, then delete what Qt's side keeps alive: Python alone never would."""
    stopped = link.wait_closed(STOP_LIMIT_S)
    for part in (window, window.appearance, window.editor, link):
        part.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if not stopped:
        raise ShardloomError("rack.still_stopping", limit=STOP_LIMIT_S)


def _started_again(window: MainWindow, stage: PresenterStage, start: Start) -> None:
    """Do what a later start was asked for, in front of all other windows."""
    come_forward(window)
    if start.language:
        window.appearance.speak(start.language)
    if start.scene:
        try:
            stage.play(scene_named(start.scene))
        except BadInputError as error:
            window.link.failed.emit(error_text(error))


def _application() -> QApplication:
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setQuitOnLastWindowClosed(False)
    application.setApplicationName("shardloom")
    application.setApplicationDisplayName("Shardloom")
    application.setDesktopFileName("org.shardloom.Shardloom")
    application.setWindowIcon(QIcon(str(ICON)))
    return application


def _log_start() -> None:
    import psutil  # noqa: PLC0415 - loads after the first paint

    elapsed_s = time.time() - psutil.Process().create_time()
    _log.info("The window was painted %.0f ms after the process started.", elapsed_s * 1e3)


@contextmanager
def _few_full_collections(link: RackLink) -> Iterator[None]:
    """Let Python look for unreachable objects only among those made after the rack was opened.

    Looking through all the modules loaded by then holds every thread for about 100 ms.
    """

    def resume(*_: object) -> None:
        gc.freeze()
        gc.enable()

    gc.disable()
    link.opened.connect(resume)
    link.failed.connect(resume)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


@contextmanager
def _signals_close(window: MainWindow) -> Iterator[None]:
    """SIGINT and SIGTERM close the window; its timers let Python see them within 67 ms."""

    def close(_number: int, _frame: FrameType | None) -> None:
        window.close()

    before = {number: signal.signal(number, close) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _failures_shown(link: RackLink, crash: CrashReport) -> Iterator[None]:
    """Log and show unexpected errors in slots, which Qt would only print."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _log.error("Unexpected error in the window.", exc_info=(kind, error, trace))
        crash.note(error)
        link.failed.emit(window_failure(error))
        before(kind, error, trace)

    sys.excepthook = hook
    try:
        yield
    finally:
        sys.excepthook = before


@contextmanager
def _log_shown(window: MainWindow) -> Iterator[None]:
    """Lines of the program's log appear in the log panel."""
    level = _log.level
    _log.addHandler(window.log.handler)
    _log.setLevel(logging.INFO)
    try:
        yield
    finally:
        _log.removeHandler(window.log.handler)
        _log.setLevel(level)
