"""The window in a process of its own, which tells what it shows when it is asked.

A line of JSON on its input is a question, `[kind, ...]`; a line on its output is the answer. It is
looked at this way and touched by xdotool alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QPointF, QRect, QSocketNotifier
from PySide6.QtWidgets import QApplication, QTabBar, QTableView, QWidget

from app.ui.layer_map.drawing.scene import BAR_TOP
from app.ui.window.main_window import MainWindow


class Teller(QObject):
    """Answers in the window's own thread, between its events."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._waiting = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._waiting.activated.connect(self._answer)

    def _answer(self) -> None:
        line = sys.stdin.readline()
        if not line:
            self._waiting.setEnabled(False)
            return
        kind, *arguments = json.loads(line)
        told: dict[str, Callable[..., Any]] = {
            "see": self._see,
            "place": self._place,
            "row": self._row,
            "tab": self._tab,
            "seam": self._seam,
        }
        answer = json.dumps(told[kind](*arguments))
        print(answer, flush=True)  # noqa: T201 - whoever asked reads it

    def _see(self, what: str) -> Any:  # noqa: ANN401 - whatever a test wants to know
        window = self._window
        scope = {"window": window, "snapshot": window.link.snapshot, "find": self._find}
        return eval(what, {"application": QApplication}, scope)  # noqa: S307 - a test's own words

    def _find(self, name: str) -> QObject:
        """Return the window's only child of a class of that name."""
        (found,) = (
            each for each in self._window.findChildren(QObject) if type(each).__name__ == name
        )
        return found

    def _widget(self, path: str) -> QWidget:
        widget = self._see(path)
        assert isinstance(widget, QWidget)
        return widget

    def _place(self, path: str) -> list[int] | None:
        """Return the middle of a widget on the screen; None where nobody sees it."""
        widget = self._widget(path)
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            return None
        return _middle(widget, widget.visibleRegion().boundingRect())

    def _row(self, path: str, row: int) -> list[int] | None:
        """Return the middle of a table's row on the screen; None before there is one."""
        table = self._widget(path)
        assert isinstance(table, QTableView)
        index = table.model().index(row, 0)
        box = table.visualRect(index)
        return _middle(table.viewport(), box) if index.isValid() and box.isValid() else None

    def _tab(self, path: str, index: int) -> list[int] | None:
        """Return the middle of a tab on the screen."""
        bar = self._widget(path)
        assert isinstance(bar, QTabBar)
        return _middle(bar, bar.tabRect(index)) if bar.isVisible() else None

    def _seam(self, place: int, layers: int) -> list[int] | None:
        """Return where a seam of the layer map is on the screen, and where it goes by layers."""
        view = self._window.map.view
        if view.layout_shown is None or view.state_shown is None:
            return None
        shown = view.state_shown.shown
        stage = shown.stages[place]
        edge = shown.numbered(stage.span).stop + layers
        xs = (sum(view.layout_shown.hop(stage)) / 2, view.layout_shown.edges[edge])
        points = [view.mapFromScene(QPointF(x, BAR_TOP + 24)) for x in xs]
        begin, end = (view.viewport().mapToGlobal(point) for point in points)
        return [begin.x(), begin.y(), end.x()]


def _middle(widget: QWidget, box: QRect) -> list[int]:
    point = widget.mapToGlobal(box.center())
    return [point.x(), point.y()]


def on_real_phones(home: Path, rack: str, *rest: str) -> int:
    """Open the window as `shardloom` does; returns the exit status."""
    from app.rack.options import RackOptions  # noqa: PLC0415 - loads after the first paint
    from app.rack.service import open_rack  # noqa: PLC0415 - as above
    from app.ui.application import run  # noqa: PLC0415 - as above

    record = Path(rest[0]) if rest else None
    options = RackOptions(home=home, rack=rack, beside_a_window=True, record=record)
    return run(lambda: open_rack(options), home / "window.ini", accompany=Teller, rack=rack)


def on_a_script(home: Path, *_: str) -> int:
    """Open the window on a rack that follows a script; returns the exit status."""
    from app.ui.application import run  # noqa: PLC0415 - loads after the first paint
    from tests.ui.scripted_control import ScriptedControl  # noqa: PLC0415 - as above

    control = ScriptedControl()
    control.make_ready()

    def script(rack: ScriptedControl, _elapsed_s: float) -> None:
        if rack.requests and not rack.requests[-1].state.ended:
            rack.emit_token()
            if len(rack.requests[-1].token_ids) >= rack.requests[-1].tokens_wanted:
                rack.settle()

    control.play(script, period_s=0.02)
    return run(lambda: control, home / "window.ini", accompany=Teller)


def on_a_recording(home: Path, file: str, *_: str) -> int:
    """Open the window on a recorded stream, played at once; returns the exit status."""
    from app.rack.replay.replayed_rack import ReplayedRack  # noqa: PLC0415 - as above
    from app.ui.application import run  # noqa: PLC0415 - as above

    return run(lambda: ReplayedRack(Path(file), 1000.0), home / "window.ini", accompany=Teller)


if __name__ == "__main__":
    way, folder, *more = sys.argv[1:]
    ways: dict[str, Callable[..., int]] = {
        "script": on_a_script,
        "phones": on_real_phones,
        "recording": on_a_recording,
    }
    sys.exit(ways[way](Path(folder), *more))
